/*
 * look.mjs: opens the audit's page as its readers do, and prints a line a check: "ok WHAT", or "not ok WHAT: WHY".
 *
 *   node look.mjs MODULES CHROMIUM PAGE SHOTS
 *
 * MODULES: where npm put playwright-core and axe-core; SHOTS: a folder for what it looked like. The page is looked at wide and
 * narrow, light and dark.
 */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [modules, chromium, page, shots] = process.argv.slice(2);
const load = createRequire(modules + '/package.json');
const playwright = load('playwright-core');
const axe = readFileSync(load.resolve('axe-core/axe.min.js'), 'utf8');
const address = pathToFileURL(page).href;

function tell(what, why) {
    console.log(why ? `not ok ${what}: ${String(why).replace(/\s+/g, ' ').slice(0, 2000)}` : `ok ${what}`);
}

/* Of each canvas, how many colours it has: one that was not drawn has none. */
const undrawn = () => [...document.querySelectorAll('canvas')].filter(canvas =>
    new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size < 3)
    .map(canvas => canvas.getAttribute('aria-label'));
const charts = () => document.querySelectorAll('canvas').length;
const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
const hosts = () => [...document.querySelectorAll('#host-table tbody tr')].filter(row => row.offsetParent).map(row => row.children[0].textContent);

async function sorts(tab) {
    const head = tab.locator('#host-table thead th').nth(1);
    const ordered = sign => tab.waitForFunction(wanted => {
        const list = [...document.querySelectorAll('#host-table tbody tr')].map(row => Number(row.children[1].dataset.text));
        return list.length > 8 && list.every((value, i) => !i || wanted * (list[i - 1] - value) >= 0);
    }, sign, { timeout: 20000 }).then(() => true, () => false);
    await head.click();
    const down = await ordered(1);
    await head.focus();
    await tab.keyboard.press('Enter');
    const up = await ordered(-1);
    return down && up ? '' : `by a click: ${down}, by a key: ${up}`;
}
async function filters(tab) {
    const field = tab.locator('#hosts .search input').first();
    const all = await tab.evaluate(hosts);
    const wanted = all.filter(name => name.includes(all[3]));
    await field.fill(all[3]);
    await tab.waitForFunction(count => document.querySelectorAll('#host-table tbody tr:not(.filtered)').length === count, wanted.length, { timeout: 20000 })
        .catch(() => {});
    const left = await tab.evaluate(hosts);
    await field.fill('');
    return JSON.stringify(left) === JSON.stringify(wanted) && left.length < all.length ? '' : `${all[3]} leaves ${left}`;
}
async function accessible(tab) {
    await tab.evaluate(axe);
    const { violations } = await tab.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    return violations.filter(one => ['serious', 'critical'].includes(one.impact))
        .map(one => `${one.id} (${one.nodes.length}): ${one.nodes[0].html.slice(0, 200)} ${one.nodes[0].failureSummary}`).join(' | ');
}

async function look(browser, width, colorScheme) {
    const name = `${width} pixels, ${colorScheme}`, errors = [], requests = [];
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, reducedMotion: 'reduce' });
    const tab = await context.newPage();
    tab.on('console', message => ['error', 'warning'].includes(message.type()) && errors.push(message.text()));
    tab.on('pageerror', error => errors.push(error.message));
    tab.on('request', request => request.url() !== address && requests.push(request.url()));
    await tab.goto(address);
    const blank = await tab.evaluate(undrawn), count = await tab.evaluate(charts);
    tell(`${name}: the charts are drawn`, count >= 4 ? blank.join(', ') : `${count} charts`);
    tell(`${name}: nothing is wider than the page`, await tab.evaluate(overflow) > 0 ? `by ${await tab.evaluate(overflow)} pixels` : '');
    tell(`${name}: a table sorts, by mouse and keyboard`, await sorts(tab));
    tell(`${name}: a table is searched`, await filters(tab));
    await tab.evaluate(() => document.querySelectorAll('details').forEach(part => { part.open = true; }));
    tell(`${name}: no serious violation of accessibility`, await accessible(tab));
    await tab.screenshot({ path: `${shots}/${width}-${colorScheme}.png`, fullPage: true });
    tell(`${name}: no error on the console`, errors.join(' | '));
    tell(`${name}: no request leaves the page`, requests.join(' '));
    await context.close();
}

const browser = await playwright.chromium.launch({ executablePath: chromium, args: process.getuid() ? [] : ['--no-sandbox'] });
for (const width of [1280, 390])
    for (const scheme of ['light', 'dark'])
        await look(browser, width, scheme);
await browser.close();
