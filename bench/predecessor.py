"""A stand-in for the predecessor: one row at a time, as its author's article of 2020 describes it."""

import configparser
import glob
import os
import select
import shutil
import sys

import psycopg2
import psycopg2.extras

config = configparser.ConfigParser()
config.read(sys.argv[1])
database, dirs = config['database'], config['dirs']
connection = psycopg2.connect(
    'host=%s dbname=%s user=%s password=%s'
    % (database['HOST'], database['DBNAME'], database['DBUSER'], database['PASSWORD'])
)


def remove(pattern):
    for name in glob.glob(pattern):
        if os.path.isdir(name):
            shutil.rmtree(name)
        else:
            os.remove(name)


def ports(row):
    remove(dirs['PORT_CACHE_PATH'] % (row['category'], row['port']))
    remove(dirs['CATEGORY_CACHE_PATH'] % row['category'])


def dates(row):
    day = row['date_to_clear']
    remove(dirs['DATE_CACHE_PATH'] % (day.strftime('%Y'), day.strftime('%m'), day.strftime('%d')))


def clear(table, one):
    cursor = connection.cursor(cursor_factory=psycopg2.extras.DictCursor)
    cursor.execute('SELECT * FROM %s ORDER BY id' % table)
    for row in cursor.fetchall():
        one(row)
        cursor.execute('DELETE FROM %s WHERE id = %d' % (table, row['id']))
        connection.commit()
    connection.commit()
    remove(dirs['NEWS_CACHE_DIR'])


handlers = {
    'port_updated': ('cache_clearing_ports', ports),
    'date_updated': ('cache_clearing_dates', dates),
}
cursor = connection.cursor()
for channel in handlers:
    cursor.execute('LISTEN %s' % channel)
connection.commit()
while True:
    select.select([connection], [], [], 60)
    connection.poll()
    while connection.notifies:
        clear(*handlers[connection.notifies.pop(0).channel])
