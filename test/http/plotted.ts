import type { Page } from 'playwright-core';

/** The number of samples in the plot of the backlog, read by keyboard as a user without a mouse would. */
export async function momentsPlotted(page: Page): Promise<number> {
  await page.locator('#plot-backlog svg').focus();
  const told = new Set<string>();
  await page.keyboard.press('End');
  for (;;) {
    const readout = await page.locator('#plot-backlog output').innerText();
    if (told.has(readout)) return told.size;
    if (/^\d\d:\d\d:\d\d/.test(readout)) told.add(readout);
    else return told.size;
    await page.keyboard.press('ArrowLeft');
  }
}
