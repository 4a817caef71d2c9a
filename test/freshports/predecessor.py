#!/usr/bin/env python3
"""
A model of the daemon before uncached, for tests and as the opponent in a benchmark: predecessor.py CONFIG

Of our own writing, after what FreshPorts has published of its fp-listen: which configuration it reads, which statements it
sends in which order, which files go for which entry. It does the same work in the same order, and is otherwise as good as
we can write it. The faults that incidents have shown are marked FAULT; they are those of the protocol and of its details,
none was put in for effect. It logs to standard output, and prints "listening" when it is.
"""
import configparser
import glob
import os
import select
import shutil
import subprocess
import sys
import urllib

import psycopg2

TIMEOUT = 60  # seconds; then it looks whether the connection has something to say


def main(config_file):
    config = configparser.ConfigParser()
    with open(config_file, encoding="utf-8") as file:
        config.read_file(file)
    database = config["database"]
    # The values are tokens of a conninfo string as they stand, quotes included.
    connection = psycopg2.connect(
        f"host={database['HOST']} dbname={database['DBNAME']} user={database['DBUSER']} password={database['PASSWORD']}"
    )
    Listener(connection, config["dirs"]).run()


class Listener:
    def __init__(self, connection, paths):
        self.connection = connection
        self.paths = paths
        self.cursor = connection.cursor()
        self.scripts = {
            "listen_port": self.ports,
            "listen_date_updated": self.dates,
            "listen_commit": self.commits,
            "listen_file_updated": self.files,
            "listen_ports_moved": self.news,
            "listen_ports_updating": self.news,
            "listen_vuxml": self.news,
            "listen_category_new": self.new_category,
            "listen_packages_imported": self.packages,
        }

    def run(self):
        self.cursor.execute("SELECT name, script_name FROM listen_for ORDER BY id")
        channels = dict(self.cursor.fetchall())
        for channel in channels:
            self.cursor.execute(f"LISTEN {channel}")
        self.connection.commit()
        # FAULT: what was enqueued before waits until somebody notifies again.
        print("listening", flush=True)
        while True:
            select.select([self.connection], [], [], TIMEOUT)
            self.connection.poll()
            while self.connection.notifies:
                channel = self.connection.notifies.pop(0).channel
                script = self.scripts.get(channels[channel])
                if script is None:
                    log(f"{channel}: no such script: {channels[channel]}")
                    continue
                script()
                log(f"{channel}: done")

    # One for each queue table.

    def ports(self):
        def clear(category, port):
            remove(self.paths["PORT_CACHE_PATH"] % (category, port))
            remove(self.paths["CATEGORY_CACHE_PATH"] % category)

        self.drain(
            "SELECT id, category, port FROM cache_clearing_ports ORDER BY id",
            lambda entry, category, port: clear(category, port),
            lambda entry, *_: f"DELETE FROM cache_clearing_ports WHERE id = {entry}",
        )

    def dates(self):
        def clear(date):
            # FAULT: a date that is NULL has no strftime, and stays in the table to be met again.
            remove(self.paths["DATE_CACHE_PATH"] % (date.strftime("%Y"), date.strftime("%m"), date.strftime("%d")))

        self.drain(
            "SELECT date_to_clear FROM cache_clearing_dates",
            clear,
            # FAULT: by value, and so with it whatever was enqueued since the SELECT.
            lambda date: f"DELETE FROM cache_clearing_dates WHERE date_to_clear = '{date}'",
        )

    def commits(self):
        def clear(commit):
            # FAULT: by the id as it is; the pages of the Subversion years have a cleaned id.
            remove(self.paths["COMMIT_CACHE_PATH"] % commit)
            remove(self.paths["SANITY_CACHE_PATH"] % commit)
            remove(self.paths["SANITY_MAIN_CACHE_PATH"])

        self.drain(
            "SELECT commit_to_clear FROM cache_clearing_commits",
            clear,
            # FAULT: a string put together; an id with a quote in it is a syntax error.
            lambda commit: f"DELETE FROM cache_clearing_commits WHERE commit_to_clear = '{commit}'",
        )

    def files(self):
        def clear(pathname):
            remove(self.paths["FILE_CACHE_PATH"] % pathname.replace("/ports/head", "", 1))

        self.drain(
            "SELECT id, pathname FROM cache_clearing_files ORDER BY id",
            lambda entry, pathname: clear(pathname),
            lambda entry, *_: f"DELETE FROM cache_clearing_files WHERE id = {entry}",
        )

    def drain(self, entries, clear, delete):
        while True:
            self.cursor.execute(entries)
            rows = self.cursor.fetchall()
            if not rows:
                self.connection.commit()
                break
            for row in rows:
                try:
                    clear(*row)
                except OSError as error:
                    # FAULT: the entry stays, and the loop around has it again at once, for ever.
                    log(f"cannot remove: {error}")
                    continue
                self.cursor.execute(delete(*row))
                self.connection.commit()
        self.news()

    # One for each event that has none.

    def news(self):
        pattern = self.paths["NEWS_CACHE_DIR"]
        remove(pattern if "*" in pattern else f"{pattern}/*")

    def new_category(self):
        # FAULT: written for Python 2 and not run since: Python 3 has no such function.
        urllib.urlretrieve("https://www.example.org/ports/categories", "/tmp/categories")
        self.news()

    def packages(self):
        if subprocess.call(["zfs", "rollback", self.paths["PKG_ZFS_SNAPSHOT"]]) != 0:
            log("zfs rollback failed")


def remove(pattern):
    # FAULT: a pattern that matches nothing, for it is wrong, is as good as one that has nothing left to match.
    try:
        for path in glob.glob(pattern):
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.remove(path)
    except FileNotFoundError as error:
        # FAULT: it was to forgive a file that somebody else had removed; the rest of the pattern is skipped with it.
        log(f"gone already: {error.filename}")


def log(text):
    print(text, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
