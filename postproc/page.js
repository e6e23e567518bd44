/*
 * page.js: fills the page from the report in it. Names come from packets: they become text nodes, never markup. Charts show
 * what the tables hold, nothing more.
 */
'use strict';
(function () {
const report = JSON.parse(document.getElementById('report').textContent);
const coverage = report.coverage;
const VERDICTS = { acceptable: ['●', 'acceptable'], unacceptable: ['▲', 'not acceptable'], review: ['◆', 'to review'] };
const HOUR = 3600000, DAY = 24 * HOUR, MOST_ROWS = 300, MOST_BARS = 400, HUES = 8;

/* ---- elements ---- */

/* What steers a text (controls, changes of direction) is shown as a mark. */
function clean(text) {
    return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, '\ufffd');
}
function el(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {}))
        element.setAttribute(key, value);
    for (const child of children.flat())
        if (child !== null && child !== undefined)
            element.append(child instanceof Node ? child : clean(child));
    return element;
}
const at = id => document.getElementById(id);
const put = (id, ...children) => at(id).append(...children.filter(child => child).map(child => child instanceof Node ? child : clean(child)));
const foreign = text => el('bdi', {}, text);
/* What stands in a column of its own where there is room, and under the first one where there is none. */
const narrow = (...children) => el('small', { class: 'narrow' }, ...children);
function sized(element, share) {
    element.style.width = 100 * share + '%';
    return element;
}

/* ---- numbers and times ---- */

const count = value => String(value || 0).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
function size(octets) {
    const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
    let unit = 0;
    for (; octets >= 999.5 && unit < units.length - 1; unit++)
        octets /= 1000;
    return (unit === 0 || octets >= 99.95 ? octets.toFixed(0) : octets.toFixed(1)) + '\u00a0' + units[unit];
}
function percent(share) {
    if (share === null || share === undefined)
        return '–';
    if (share > 0 && share < 0.001)
        return '<0.1\u00a0%';
    if (share >= 0.9995 && share < 1)
        return '>99.9\u00a0%';
    return (100 * share).toFixed(share === 0 || share === 1 ? 0 : 1) + '\u00a0%';
}
const plural = (value, one, many) => count(value) + '\u00a0' + (value === 1 ? one : many);
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const two = value => String(value).padStart(2, '0');
function day(ms) {
    const date = new Date(ms);
    return isNaN(date) ? '?' : `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}
function clock(ms, seconds) {
    const date = new Date(ms);
    return isNaN(date) ? '?' : two(date.getUTCHours()) + ':' + two(date.getUTCMinutes()) + (seconds ? ':' + two(date.getUTCSeconds()) : '');
}
const stamp = ms => isNaN(new Date(ms)) ? '?' : new Date(ms).toISOString().slice(0, 16).replace('T', '\u00a0');
const weekday = ms => WEEKDAYS[new Date(ms).getUTCDay()] || '';
const moment = ms => day(ms) + ', ' + clock(ms, true);
function duration(ms) {
    const steps = [[DAY, 'd'], [HOUR, 'h'], [60000, 'min'], [1000, 's']];
    const first = steps.findIndex(([length]) => ms >= length);
    if (first < 0)
        return ms + '\u00a0ms';
    return steps.slice(first, first + 2).map(([length, unit], i) => [Math.floor(i ? ms % steps[first][0] / length : ms / length), unit])
        .filter(([value]) => value).map(([value, unit]) => value + '\u00a0' + unit).join(' ');
}

/* ---- tables ---- */

/*
 * A column: { head, cell(row) -> text or node, value(row) -> what it sorts by, num, opt (not on small screens), foot }. Rows beyond
 * MOST_ROWS are left to report.json, and the table says so. FIXED: its order means something, so it cannot be sorted.
 */
function table(id, caption, columns, rows, foot, fixed) {
    const classes = column => [column.num && 'num', column.opt && 'opt', column.look].filter(Boolean).join(' ');
    const cellOf = (name, column, content, value) => {
        const cell = el(name, { class: classes(column) }, content);
        if (name === 'th')
            cell.setAttribute('scope', 'row');
        if (value !== undefined)
            cell.setAttribute('data-text', value);
        return cell;
    };
    const kind = i => i === 0 ? 'th' : 'td';
    const shown = rows.slice(0, MOST_ROWS);
    const body = shown.map(row => el('tr', {}, columns.map((column, i) =>
        cellOf(kind(i), column, column.cell(row), column.value && column.value(row)))));
    const feet = (foot || []).map(row => el('tr', { class: row.look || '' }, row.cells.map((content, i) => cellOf(kind(i), columns[i], content))));
    if (rows.length > shown.length)
        feet.push(el('tr', {}, el('td', { colspan: columns.length }, `${count(rows.length - shown.length)} more rows are in report.json.`)));
    const made = el('table', {}, el('caption', {}, caption),
        el('thead', {}, el('tr', {}, columns.map(column => el('th', { scope: 'col', class: classes(column) }, column.head)))),
        el('tbody', {}, body), feet.length ? el('tfoot', {}, feet) : null);
    const box = at(id);
    box.append(made);
    box.setAttribute('role', 'region');
    box.setAttribute('aria-label', caption);
    box.setAttribute('tabindex', '0');
    if (shown.length > 1 && !fixed)
        jQuery(made).tablesorter({ textAttribute: 'data-text', sortInitialOrder: 'desc', sortStable: true, widgets: [],
            headers: Object.fromEntries(columns.map((column, i) => [i, { sorter: column.value ? (column.num ? 'digit' : 'text') : 'text' }])) });
}
const text = (head, cell, more) => ({ head, cell, ...more });
const number = (head, value, show, more) => ({ head, num: true, value, cell: row => (show || count)(value(row)), ...more });
function shareColumn(head, value) {
    return { head, num: true, value, cell: row => el('span', {}, percent(value(row)),
        el('span', { class: 'share', 'aria-hidden': 'true' }, sized(el('i'), value(row)))) };
}
function verdictMark(verdict) {
    const [mark, words] = VERDICTS[verdict] || ['○', verdict];
    return el('span', { class: 'verdict ink-' + verdict }, el('span', { 'aria-hidden': 'true' }, mark + ' '), words);
}
function empty(id, words) {
    put(id, el('p', { class: 'quiet' }, words));
}

/* A bar of parts { label, value, look } with its legend; a picture of a table that stands beside it. */
function bar(id, label, parts) {
    const whole = parts.reduce((sum, part) => sum + part.value, 0);
    const shown = parts.filter(part => part.value > 0);
    if (!whole)
        return;
    put(id, el('div', { class: 'bar', role: 'img', 'aria-label': label + ': ' + shown.map(part => part.label + ' ' + percent(part.value / whole)).join(', ') },
        shown.map(part => sized(el('i', { class: 'bg-' + part.look }), part.value / whole))),
    el('ul', { class: 'legend', 'aria-hidden': 'true' }, shown.map(part => el('li', {}, el('i', { class: 'bg-' + part.look }), part.label + ' ' + percent(part.value / whole)))));
}

/* ---- charts ---- */

const charts = [];
const colour = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
function dress(chart) {
    const { scales, plugins } = chart.options;
    for (const dataset of chart.data.datasets)
        dataset.backgroundColor = colour(dataset.hue);
    for (const scale of [scales.x, scales.y]) {
        scale.ticks.color = colour('muted');
        scale.grid.color = colour('line');
    }
    plugins.legend.labels.color = colour('ink');
    chart.update();
}
function draw(id, label, height, data, options) {
    const canvas = el('canvas', { role: 'img', 'aria-label': label });
    const box = el('div', {}, canvas);
    box.style.height = height + 'px';
    put(id, box);
    data.datasets.forEach(dataset => { dataset.backgroundColor = colour(dataset.hue); });
    const chart = new Chart(canvas, { type: 'bar', data, options: Object.assign({
        animation: false, maintainAspectRatio: false, responsive: true,
        plugins: {
            legend: { position: 'bottom', labels: { boxWidth: 8, boxHeight: 8, usePointStyle: true, pointStyle: 'circle' } },
            tooltip: { filter: item => item.raw > 0, itemSort: (a, b) => b.raw - a.raw, callbacks: { label: item => ` ${item.dataset.label}: ${size(item.raw)}` } },
        },
    }, options) });
    charts.push(chart);
    dress(chart);
}
function redress() {
    charts.forEach(chart => { chart.resize(); dress(chart); });
}
const axis = (stacked, more) => ({ stacked, ticks: {}, grid: { drawBorder: false }, ...more });
const octetAxis = () => axis(true, { ticks: { callback: value => size(value), maxTicksLimit: 7 } });

/* ---- the parts of the audit ---- */

function fillCover() {
    const name = report.network || 'Audit of network use';
    put('title', foreign(name));
    at('title').firstChild.remove();
    document.title = 'Audit: ' + clean(report.network || 'network use');
    const from = report.from_ms, to = report.to_ms;
    if (from === null)
        put('period', 'No packets, so no period.');
    else if (day(from) === day(to))
        put('period', `${weekday(from)}, ${day(from)}, ${clock(from, true)} to ${clock(to, true)} UTC (${duration(to - from)})`);
    else
        put('period', `${weekday(from)}, ${moment(from)}, to ${weekday(to)}, ${moment(to)} UTC (${duration(to - from)})`);
    const fact = (term, value, small) => el('div', {}, el('dt', {}, term), el('dd', {}, foreign(value), small ? el('small', {}, small) : null));
    const hash = hex => hex ? el('span', { class: 'mono' }, 'xxh128 ' + hex) : 'cannot be read now';
    put('facts',
        fact('Policy', report.policy.file, hash(report.policy.xxh128)),
        fact('Symptoms', report.symptoms.folder, hash(report.symptoms.xxh128)),
        fact('Made', moment(report.generated_ms) + ' UTC', 'by ' + report.program),
        fact('Observed', `${size(report.total.octets)} in ${plural(report.total.biflows, 'biflow', 'biflows')}`,
            plural(report.streams.length, 'stream', 'streams') + (report.damaged.length ? ', ' + plural(report.damaged.length, 'input', 'inputs') + ' damaged' : '')));
    put('footer', `Made by ${report.program} from mira.db; report.json beside this page holds the same figures. `,
        'This page loads nothing and sends nothing.');
}

/* Label, key or value, share of what, what it means. */
function coverageRows() {
    const seen = coverage.packets_seen, audited = seen - coverage.packets_filtered;
    const row = (label, value, whole, meaning, always) => ({ label, value, whole, meaning, always });
    return [
        row('Packets seen', seen, 0, 'What arrived at the probes, or stands in the files.', true),
        row('Analysed', coverage.packets_analysed, audited, 'Decoded, scanned and counted below. The share is of the packets that were to be looked at.', true),
        row('Dropped', coverage.packets_dropped, audited, 'Lost in the card or the kernel before MIRA had them.', true),
        row('Shed', coverage.packets_shed, audited, 'Left out by the capture itself, for lack of room or because sampling was asked for.', true),
        row('Quarantined', coverage.packets_quarantined, audited, `In ${plural(coverage.batches_quarantined, 'batch', 'batches')} that could not be analysed and ${coverage.batches_quarantined === 1 ? 'was' : 'were'} set aside.`),
        row('Missing', coverage.packets_missing, audited, `In ${plural(coverage.batches_missing, 'batch', 'batches')} that the capture wrote and nobody received.`),
        row('Filtered', coverage.packets_filtered, seen, 'Excluded by the capture’s filters: not part of this audit. The share is of the packets seen.'),
        row('Not IP', coverage.packets_not_ip, audited, 'Analysed, but of the link layer alone (ARP and the like): counted here and in no class.'),
        row('Malformed', coverage.packets_malformed, audited, 'Analysed, but without a usable IP header: counted here and in no class.'),
    ].filter(each => each.value || each.always);
}
function flagRows() {
    const biflows = report.total.biflows;
    const row = (label, value, whole, meaning, unit) => ({ label, value, whole, meaning, unit });
    return [
        row('Blind', coverage.share_blind_octets, 0, 'Share of octets in which nothing seen tells the purpose. Class UNKNOWN; never guessed.', 'share'),
        row('One direction only', coverage.one_way_biflows, biflows, 'Biflows whose other direction was not observed at any probe.'),
        row('Incomplete windows', coverage.incomplete_windows, coverage.windows, 'Time windows that were closed before all their packets had arrived.'),
        row('Late', coverage.late_biflows, biflows, 'Biflows with packets that arrived after their window was closed; counted in the window that was open.'),
        row('Sampled', coverage.sampled_biflows, biflows, 'Biflows of which only a sample of the packets was captured; their figures are what was captured.'),
    ];
}
function fillCoverage() {
    const share = coverage.share_analysed;
    put('statement', el('span', { class: 'big' }, share === null ? '–' : percent(share)),
        el('p', {}, el('b', {}, share === null ? 'Coverage: nothing to cover. ' : 'Coverage. '), coverage.statement));
    const lost = coverage.packets_unanalysed > 0;
    bar('coverage-bar', 'Packets that were to be looked at', [
        { label: 'analysed', value: coverage.packets_analysed, look: 'acceptable' },
        { label: 'dropped', value: coverage.packets_dropped, look: 'unacceptable' },
        { label: 'shed', value: coverage.packets_shed, look: 'review' },
        { label: 'quarantined or missing', value: coverage.packets_quarantined + coverage.packets_missing, look: 'hatch' },
    ]);
    const rows = coverageRows().concat(flagRows());
    table('coverage-table', 'What became of the packets, and what limits the figures', [
        text('', row => el('span', {}, row.label, narrow(row.meaning))),
        { head: 'Number', num: true, cell: row => row.unit ? '' : count(row.value) },
        { head: 'Share', num: true, cell: row => row.unit ? percent(row.value) : row.whole ? percent(row.value / row.whole) : '' },
        text('Meaning', row => row.meaning, { look: 'meaning', opt: true }),
    ], rows, [], true);
    const failed = report.balance.filter(check => !check.holds);
    put('balance', el('h3', {}, failed.length ? `The balance does not close: ${plural(failed.length, 'check fails', 'checks fail')}` : 'The balance closes'),
        el('p', { class: 'quiet' }, 'Each packet that was seen must be found again in one of the terms above, and each that was analysed in a biflow.'),
        el('ul', { class: 'checks' }, report.balance.map(check => el('li', {},
            el('span', { class: 'mark ink-' + (check.holds ? 'acceptable' : 'unacceptable'), role: 'img', 'aria-label': check.holds ? 'holds: ' : 'does not hold: ' }, check.holds ? '✓' : '✗'),
            check.says, check.holds ? null : el('b', {}, ` (${count(check.left)} against ${count(check.right)})`)))));
    if (failed.length)
        at('balance').prepend(el('p', { class: 'note bad' }, 'Packets are unaccounted for. Do not use the figures below before the cause is known: `mira balance DIR` shows every term.'));
    else if (lost)
        at('coverage-bar').after(el('p', { class: 'note' }, 'Not every packet could be analysed. Read each figure below with this share in mind.'));
}

function fillVerdicts() {
    const lost = coverage.packets_unanalysed > 0;
    put('verdict-cards', ...report.verdicts.map(row => el('div', { class: 'card ' + row.verdict },
        el('h3', {}, verdictMark(row.verdict)),
        el('div', { class: 'big' }, report.total.octets ? percent(row.share_octets) : '–'),
        el('p', {}, `${size(row.octets)} of ${size(report.total.octets)} observed, ${plural(row.biflows, 'biflow', 'biflows')}`),
        lost ? el('p', {}, `Packets: between ${percent(row.share_packets_low)} and ${percent(row.share_packets_high)}, whatever the unseen packets were`) : null)));
    bar('verdict-bar', 'Octets by verdict', report.verdicts.map(row => ({ label: (VERDICTS[row.verdict] || ['', row.verdict])[1],
        value: row.octets, look: row.verdict in VERDICTS ? row.verdict : 'none' })));
    at('verdict-bar').querySelectorAll('.legend').forEach(legend => legend.remove());
    put('verdict-basis', report.total.biflows ? `Blind: ${percent(coverage.share_blind_octets)} of octets. Coverage: ` : null,
        coverage.statement);
}

function fillClasses() {
    const rows = report.classes, hues = Object.keys(VERDICTS);
    if (!rows.length) {
        at('class-chart').classList.add('empty');
        return empty('class-table', 'No traffic to classify.');
    }
    draw('class-chart', 'Octets by class and verdict; the table below holds the same figures', 78 + 27 * rows.length, {
        labels: rows.map(row => clean(row.class)),
        datasets: hues.map(verdict => ({ label: VERDICTS[verdict][1], hue: verdict, data: rows.map(row => row[verdict + '_octets']), maxBarThickness: 18, borderRadius: 2 })),
    }, { indexAxis: 'y', scales: { x: octetAxis(), y: axis(true, { grid: { display: false, drawBorder: false } }) } });
    const part = verdict => number(VERDICTS[verdict][1], row => row[verdict + '_octets'], value => value ? size(value) : '–', { opt: true });
    table('class-table', 'Octets and biflows by class', [
        text('Class', row => row.class),
        number('Octets', row => row.octets, size), shareColumn('Share', row => row.share_octets),
        ...hues.map(part), number('Biflows', row => row.biflows),
    ], rows, [{ look: 'sum', cells: ['Total', size(report.total.octets), '', ...hues.map(() => ''), count(report.total.biflows)] }]);
}

function ruleCell(row) {
    const more = row.source === 'unknown' ? 'This rule is not in the policy as it is now.' : row.say;
    return el('div', { class: 'said' }, el('span', { class: 'mono' }, row.rule),
        narrow(row.class + ', ', verdictMark(row.verdict)), more ? el('small', {}, foreign(more)) : null,
        row.when ? el('details', {}, el('summary', {}, 'Condition'), el('code', {}, row.when)) : null);
}
function fillRules() {
    if (!report.policy.loaded)
        at('rule-table').before(el('p', { class: 'note' }, 'The policy could not be read when this page was made, so rules are named without what they say.'));
    if (!report.rules.length)
        return empty('rule-table', 'No rule decided anything.');
    table('rule-table', 'Rules that decided, with what they say and what they rest on', [
        { head: 'Rule', cell: ruleCell, value: row => row.rule },
        text('Class', row => row.class, { opt: true }),
        { head: 'Verdict', cell: row => verdictMark(row.verdict), value: row => row.verdict, opt: true },
        number('Biflows', row => row.biflows, count, { opt: true }),
        number('Octets', row => row.octets, size), { ...shareColumn('Share', row => row.share_octets), opt: true },
    ], report.rules);
}

function fillAggregates() {
    const rows = report.aggregates, named = rows.some(row => row.aggregate !== null);
    if (!rows.length)
        return put('aggregate-note', 'No traffic to divide.');
    put('aggregate-note', named ? 'Aggregates are the prefixes and VLANs named in the configuration. Traffic that touches several carries all their names.' :
        'No part of the network is named in the configuration (aggregates in mira.conf), so there is nothing to compare.');
    if (!named)
        return;
    table('aggregate-table', 'Octets by aggregate', [
        text('Aggregate', row => row.aggregate === null ? el('i', {}, 'in none') : foreign(row.aggregate.replace(/,/g, ', '))),
        number('Octets', row => row.octets, size), shareColumn('Share', row => row.share_octets),
        number('not acceptable', row => row.unacceptable_octets, value => value ? size(value) : '–'),
        number('to review', row => row.review_octets, value => value ? size(value) : '–'), number('Biflows', row => row.biflows, count, { opt: true }),
    ], rows);
}

/* Rows of the finest part there is, summed into slots of STEP; slots without traffic stand between them where that stays readable. */
function slots() {
    const byWindow = report.windows.length > 0;
    const rows = byWindow ? report.windows : report.hours, key = byWindow ? 'window_ms' : 'hour_ms';
    const starts = [...new Set(rows.map(row => row[key]))].sort((a, b) => a - b);
    const span = starts.length ? starts[starts.length - 1] - starts[0] : 0;
    const gap = starts.slice(1).reduce((least, start, i) => Math.min(least, start - starts[i]), Infinity);
    const step = byWindow ? (isFinite(gap) ? gap : HOUR) : span > 7 * DAY ? DAY : HOUR;
    const sums = new Map();
    for (const row of rows) {
        const slot = byWindow ? row[key] : Math.floor(row[key] / step) * step;
        if (!sums.has(slot))
            sums.set(slot, {});
        sums.get(slot)[row.class] = (sums.get(slot)[row.class] || 0) + row.octets;
    }
    const filled = span / step <= MOST_BARS;
    if (filled && starts.length > 1)
        for (let slot = Math.floor(starts[0] / step) * step; slot < starts[starts.length - 1]; slot += step)
            if (!sums.has(slot) && (!byWindow || slot >= starts[0]))
                sums.set(slot, {});
    return { byWindow, step, filled, list: [...sums].sort((a, b) => a[0] - b[0]) };
}
function fillTimes() {
    const { byWindow, step, filled, list } = slots();
    if (!list.length) {
        at('time-chart').classList.add('empty');
        at('time-details').remove();
        return put('time-note', 'No traffic, so no course of it.');
    }
    const top = report.classes.slice(0, HUES).map(row => row.class), rest = report.classes.length > top.length;
    const shortDay = ms => day(ms).replace(/^(\d+ \w{3})\w* (\d+)$/, '$1');
    const years = list[list.length - 1][0] - list[0][0] > 300 * DAY;
    const many = list[list.length - 1][0] - list[0][0] >= DAY;
    const label = ms => step === DAY ? shortDay(ms) + (years ? ' ' + new Date(ms).getUTCFullYear() : '') : (many ? shortDay(ms) + ' ' : '') + clock(ms, byWindow && step < 60000);
    put('time-note', `Octets by class and ${byWindow ? 'time window' : step === DAY ? 'day' : 'hour'}, in UTC.` +
        (filled ? '' : ' Times without traffic are left out.') + (rest ? ` The ${HUES} largest classes are shown, the rest as others.` : ''));
    const others = sums => Object.entries(sums).reduce((sum, [name, octets]) => top.includes(name) ? sum : sum + octets, 0);
    const datasets = top.map((name, i) => ({ label: clean(name), hue: 'c' + i, data: list.map(([, sums]) => sums[name] || 0) }));
    if (rest)
        datasets.push({ label: 'others', hue: 'c8', data: list.map(([, sums]) => others(sums)) });
    draw('time-chart', 'Octets over time by class; the figures are in the table below', 320,
        { labels: list.map(([ms]) => label(ms)), datasets: datasets.map(dataset => ({ ...dataset, maxBarThickness: 56, categoryPercentage: 0.9, barPercentage: 0.95 })) },
        { scales: { x: axis(true, { grid: { display: false, drawBorder: false }, ticks: { maxRotation: 0, autoSkipPadding: 16 } }), y: octetAxis() } });
    const busy = list.filter(([, sums]) => Object.keys(sums).length);
    table('time-table', 'Octets by class over time (UTC)', [
        { head: 'Beginning', cell: row => step === DAY ? day(row[0]) : stamp(row[0]), value: row => row[0] },
        { head: 'Octets', num: true, value: row => Object.values(row[1]).reduce((a, b) => a + b, 0), cell: row => size(Object.values(row[1]).reduce((a, b) => a + b, 0)) },
        ...top.map(name => number(name, row => row[1][name] || 0, value => value ? size(value) : '–')),
        ...(rest ? [number('others', row => others(row[1]), value => value ? size(value) : '–')] : []),
    ], busy);
}

function fillHosts() {
    const marked = row => row.unacceptable_octets;
    const others = report.hosts_others, names = report.names_others;
    const dash = value => value ? size(value) : '–';
    if (!report.hosts.length)
        empty('host-table', 'No hosts.');
    else
        table('host-table', `The ${report.hosts.length} addresses with most octets sent and received`, [
            text('Address', row => el('span', { class: 'mono' }, foreign(row.address))),
            number('Sent', row => row.sent_octets, size), number('Received', row => row.received_octets, size),
            number('Biflows', row => row.biflows, count, { opt: true }),
            number('Not acceptable by a rule', marked, dash), number('To review', row => row.review_octets, dash, { opt: true }),
            text('Mostly', row => row.main_class),
        ], report.hosts, others.hosts ? [{ cells: [plural(others.hosts, 'other', 'others'), size(others.sent_octets), size(others.received_octets), count(others.biflows), dash(others.unacceptable_octets), dash(others.review_octets), ''] }] : []);
    if (!report.names.length)
        return empty('name-table', 'No names were seen.');
    table('name-table', `The ${report.names.length} names with most octets`, [
        text('Name', row => foreign(row.name.replace(/,/g, ', '))), number('Octets', row => row.octets, size), number('Biflows', row => row.biflows, count, { opt: true }),
        number('Not acceptable by a rule', marked, dash), text('Mostly', row => row.main_class),
    ], report.names, names.names ? [{ cells: [plural(names.names, 'other', 'others'), size(names.octets), count(names.biflows), dash(names.unacceptable_octets), ''] }] : []);
}

function fillTunnels() {
    const others = report.tunnels_others;
    if (!report.tunnels.length)
        return empty('tunnel-table', 'No packet came in a tunnel that can be read.');
    table('tunnel-table', `The ${report.tunnels.length} tunnels with most octets`, [
        text('Tunnel', row => foreign(row.tunnel.replace(/,/g, ', '))),
        text('Between', row => row.endpoints === null ? el('i', {}, 'no address around') :
            el('span', { class: 'mono' }, foreign(row.endpoints.replace(/-/g, ' – ').replace(/[,+]/g, ', ')))),
        number('Octets', row => row.octets, size), number('Packets', row => row.packets), number('Biflows', row => row.biflows, count, { opt: true }),
    ], report.tunnels, others.tunnels ? [{ cells: [plural(others.tunnels, 'other', 'others'), '', size(others.octets), count(others.packets), count(others.biflows)] }] : []);
}

function notes(rows, title, show, look) {
    if (rows.length)
        put('damage', el('div', { class: 'note ' + look }, el('b', {}, title), el('ul', {}, rows.slice(0, 50).map(row => el('li', {}, foreign(show(row))))),
            rows.length > 50 ? el('p', {}, `${count(rows.length - 50)} more are in report.json.`) : null), el('p'));
}
function fillStreams() {
    notes(report.damaged, 'Damaged inputs: audited up to the damage, what came after is in no figure', row => `${row.stream}: ${row.text}`, '');
    notes(report.unanalysed, 'Batches that were not analysed', row => `${row.probe}, ${row.stream}, batch ${row.seq}: ${row.status}, ${plural(row.packets_captured, 'packet', 'packets')}` +
        (row.first_ms ? `, ${moment(row.first_ms)} UTC` : ''), 'bad');
    notes(report.rejected, 'Verdicts that could not be loaded', row => `${row.batch}: ${row.text}`, 'bad');
    if (!report.streams.length)
        return empty('stream-table', 'No stream was captured.');
    const analysed = row => row.packets_ip + row.packets_not_ip + row.packets_malformed;
    const audited = row => row.packets_seen - row.packets_filtered;
    table('stream-table', 'Coverage of each stream', [
        text('Stream', row => el('span', {}, foreign(row.stream), el('span', { class: 'quiet' }, ' at ', foreign(row.probe)))),
        number('Packets seen', row => row.packets_seen),
        { head: 'Analysed', num: true, value: row => audited(row) ? analysed(row) / audited(row) : 0, cell: row => percent(audited(row) ? analysed(row) / audited(row) : null) },
        number('Dropped', row => row.packets_dropped, count, { opt: true }), number('Shed', row => row.packets_shed, count, { opt: true }),
        number('Octets (IP)', row => row.octets_ip, size, { opt: true }),
        number('Batches', row => row.batches, count, { opt: true }),
        number('Not analysed', row => row.quarantined + row.missing, value => value ? count(value) : '–', { opt: true }),
        { head: 'From (UTC)', cell: row => row.first_ms === null ? '–' : stamp(row.first_ms), value: row => row.first_ms || 0, opt: true },
    ], report.streams);
    if (report.inputs.length)
        table('input-table', 'What was audited, with the id of its run (for a file, of its content)', [
            text('Input', row => foreign(row.file || 'interface ' + row.interface)), text('Run', row => el('span', { class: 'mono' }, row.run), { opt: true }),
        ], report.inputs);
}

[fillCover, fillCoverage, fillVerdicts, fillClasses, fillRules, fillAggregates, fillTimes, fillHosts, fillTunnels, fillStreams].forEach(fill => fill());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redress);
/* On paper the conditions are open, and charts have paper's colours. */
let opened = [];
addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('td details:not([open]), th details:not([open])')];
    opened.forEach(details => { details.open = true; });
    redress();
});
addEventListener('afterprint', () => {
    opened.forEach(details => { details.open = false; });
    redress();
});
})();
