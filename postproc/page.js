/*
 * page.js: fills the page from the report in it. Names come from packets: they become text nodes, never markup. Charts show
 * what the tables hold, nothing more.
 */
'use strict';
(function () {
const report = JSON.parse(document.getElementById('report').textContent);
const coverage = report.coverage;
/* Where packets were lost or sampled there are estimates; otherwise the figures are counts. */
const estimates = report.estimates && (report.estimates.share_lost > 0 || report.estimates.sampling < 1) ? report.estimates : null;
const VERDICTS = { acceptable: ['●', 'acceptable'], unacceptable: ['▲', 'not acceptable'], review: ['◆', 'to review'] };
const HOUR = 3600000, DAY = 24 * HOUR, MOST_ROWS = 300, MOST_BARS = 400, HUES = 8, SEARCHED_ROWS = 8, MOST_TRACES = 40;

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
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const two = value => String(value).padStart(2, '0');
/* Clocks go by the zone of the report, whatever the reader's is: local() is a time whose UTC fields are those of that zone. */
const zoneAt = ms => report.zones.filter(zone => zone.from_ms <= ms).pop() || report.zones[0];
const local = ms => new Date(ms + zoneAt(ms).offset_ms);
function day(ms) {
    const date = local(ms);
    return isNaN(date) ? '?' : `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}
function clock(ms, seconds) {
    const date = local(ms);
    return isNaN(date) ? '?' : two(date.getUTCHours()) + ':' + two(date.getUTCMinutes()) + (seconds ? ':' + two(date.getUTCSeconds()) : '');
}
const stamp = ms => isNaN(local(ms)) ? '?' : local(ms).toISOString().slice(0, 16).replace('T', '\u00a0');
const weekday = ms => WEEKDAYS[(local(ms).getUTCDay() + 6) % 7] || '';
const moment = ms => day(ms) + ', ' + clock(ms, true);
function duration(ms) {
    const steps = [[DAY, 'd'], [HOUR, 'h'], [60000, 'min'], [1000, 's']];
    const first = steps.findIndex(([length]) => ms >= length);
    if (first < 0)
        return ms + '\u00a0ms';
    return steps.slice(first, first + 2).map(([length, unit], i) => [Math.floor(i ? ms % steps[first][0] / length : ms / length), unit])
        .filter(([value]) => value).map(([value, unit]) => value + '\u00a0' + unit).join(' ');
}

/* An interval, or why there is none. */
const between = (figure, show) => figure.refused ? 'not estimated: ' + figure.refused : `${show(figure.low)} to ${show(figure.high)}`;
const estimateOf = (list, name) => estimates && estimates[list].find(row => row.class === name || row.verdict === name);

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
    if (shown.length < 2 || fixed)
        return;
    const field = shown.length < SEARCHED_ROWS ? null : search(box, caption, made);
    jQuery(made).tablesorter({ textAttribute: 'data-text', sortInitialOrder: 'desc', sortStable: true, widgets: field ? ['filter'] : [],
        widgetOptions: { filter_columnFilters: false, filter_external: field, filter_searchDelay: 100, filter_saveFilters: false },
        headers: Object.fromEntries(columns.map((column, i) => [i, { sorter: column.value ? (column.num ? 'digit' : 'text') : 'text' }])) });
    /* It marks the cells of the foot, too, which are no heads. */
    jQuery(made).on('sortEnd', () => made.querySelectorAll('tfoot [aria-sort]').forEach(cell => cell.removeAttribute('aria-sort')));
}
/* A field before BOX that leaves only the rows of TABLE that hold what is typed; says how many these are. */
function search(box, caption, made) {
    const field = el('input', { type: 'search', 'data-column': 'all', placeholder: 'Search', 'aria-label': 'Search: ' + caption });
    const told = el('output', { class: 'quiet' });
    box.before(el('div', { class: 'search' }, field, told));
    jQuery(made).on('filterEnd', () => {
        const { filteredRows, totalRows } = made.config;
        told.textContent = filteredRows === totalRows ? '' : `${count(filteredRows)} of ${count(totalRows)} rows`;
    });
    return jQuery(field);
}
/*
 * A map: a row for each of ROWS { name, values }, a cell for each of HEADS, coloured by its share of the greatest value (of its
 * row when ALONE). The figures are in the cells for those who do not see them.
 */
function map(id, caption, heads, rows, alone) {
    const most = values => Math.max(1, ...values);
    const all = most(rows.flatMap(row => row.values));
    const cellOf = (row, value, i) => {
        const text = `${row.name}, ${heads[i]}: ${value ? size(value) : 'nothing'}`;
        const cell = el('td', { title: text }, el('span', { class: 'unseen' }, value ? size(value) : 'nothing'));
        cell.style.setProperty('--heat', 100 * Math.sqrt(value / (alone ? most(row.values) : all)) + '%');
        return cell;
    };
    const box = at(id);
    box.append(el('table', { class: 'map' }, el('caption', { class: 'unseen' }, caption),
        el('thead', {}, el('tr', {}, el('td'), heads.map((head, i) => el('th', { scope: 'col' }, i % 3 ? el('span', { class: 'unseen' }, head) : head)))),
        el('tbody', {}, rows.map(row => el('tr', {}, el('th', { scope: 'row' }, foreign(row.name)), row.values.map((value, i) => cellOf(row, value, i)))))));
    box.setAttribute('role', 'region');
    box.setAttribute('aria-label', caption);
    box.setAttribute('tabindex', '0');
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
    for (const dataset of chart.data.datasets) {
        dataset.backgroundColor = colour(dataset.hue) + (dataset.faint ? '55' : '');
        dataset.borderColor = dataset.faint ? 'transparent' : colour(dataset.hue);
    }
    for (const scale of [scales.x, scales.y]) {
        scale.ticks.color = colour('muted');
        scale.grid.color = colour('line');
    }
    plugins.legend.labels.color = colour('ink');
    chart.update();
}
/* Draws the intervals of a dataset that has ranges [low, high] along the axis of its values. */
const whiskers = {
    id: 'whiskers',
    afterDatasetsDraw(chart) {
        chart.data.datasets.forEach((dataset, which) => (dataset.ranges || []).forEach((range, i) => {
            if (range)
                whisker(chart, chart.getDatasetMeta(which).data[i].y, range.map(value => chart.scales.x.getPixelForValue(value)));
        }));
    },
};
function whisker({ ctx }, y, [from, to]) {
    ctx.save();
    ctx.strokeStyle = colour('ink');
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    for (const [x0, y0, x1, y1] of [[from, y, to, y], [from, y - 4, from, y + 4], [to, y - 4, to, y + 4]]) {
        ctx.moveTo(x0, y0);
        ctx.lineTo(x1, y1);
    }
    ctx.stroke();
    ctx.restore();
}
function draw(id, label, height, data, options, type) {
    const canvas = el('canvas', { role: 'img', 'aria-label': label });
    const box = el('div', {}, canvas);
    box.style.height = height + 'px';
    put(id, box);
    const chart = new Chart(canvas, { type: type || 'bar', data, plugins: [whiskers], options: Object.assign({
        animation: false, maintainAspectRatio: false, responsive: true,
        plugins: {
            legend: { position: 'bottom', labels: { filter: item => item.text, boxWidth: 8, boxHeight: 8, usePointStyle: true, pointStyle: 'circle' } },
            tooltip: { filter: item => item.raw > 0 && item.dataset.label, itemSort: (a, b) => b.raw - a.raw, callbacks: { label: item => ` ${item.dataset.label}: ${size(item.raw)}` } },
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
    put('period', periodText());
    const fact = (term, value, small) => el('div', {}, el('dt', {}, term), el('dd', {}, foreign(value), small ? el('small', {}, small) : null));
    const hash = hex => hex ? el('span', { class: 'mono' }, 'xxh128 ' + hex) : 'cannot be read now';
    const told = (term, value) => value ? fact(term, value) : null;
    put('facts',
        fact('Policy', (report.policy.version ? 'version ' + report.policy.version + ', ' : '') + report.policy.file, hash(report.policy.xxh128)),
        fact('Symptoms', report.symptoms.folder, hash(report.symptoms.xxh128)),
        fact('Made', moment(report.generated_ms) + ' ' + zoneAt(report.generated_ms).name, `by ${report.made_by}, with ${report.program}`),
        told('Purpose', report.purpose), told('Legal basis', report.legal_basis), told('Recipients', report.recipients),
        fact('Hosts are shown as', levelText(), retentionText()),
        fact('Observed', `${size(report.total.octets)} in ${plural(report.total.biflows, 'biflow', 'biflows')}`,
            plural(report.streams.length, 'stream', 'streams') + (report.damaged.length ? ', ' + plural(report.damaged.length, 'input', 'inputs') + ' damaged' : '')));
    put('footer', `Made by ${report.program} from mira.db; report.json beside this page holds the same figures. `,
        'This page loads nothing and sends nothing.');
}

function levelText() {
    const { level, rotate } = report.privacy;
    if (level === 'group')
        return 'totals of groups only';
    return level === 'address' ? 'addresses' : 'pseudonyms' + (rotate === 'none' ? '' : `, others each ${rotate}`);
}
function retentionText() {
    const days = value => value ? plural(value, 'day', 'days') : 'no end';
    return `kept: biflows ${days(report.retention.biflows_days)}, addresses ${days(report.retention.addresses_days)}, ` +
        `hosts ${days(report.retention.hosts_days)}, totals ${days(report.retention.totals_days)}`;
}
function periodText() {
    const from = report.from_ms, to = report.to_ms, zone = report.timezone;
    if (report.period)
        return `${{ day: 'Day', week: 'Week', month: 'Month', span: 'Time' }[report.period.kind]} ${report.period.text}` +
            (report.period.to_ms > report.generated_ms ? ', not over yet' : '') + (from === null ? '. No packets.' : '');
    if (from === null)
        return 'No packets, so no period.';
    if (day(from) === day(to))
        return `${weekday(from)}, ${day(from)}, ${clock(from, true)} to ${clock(to, true)} ${zone} (${duration(to - from)})`;
    return `${weekday(from)}, ${moment(from)}, to ${weekday(to)}, ${moment(to)} ${zone} (${duration(to - from)})`;
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
        row('Time windows observed', coverage.windows, coverage.windows_expected, timeMeaning()),
        row('Blind', coverage.share_blind_octets, 0, 'Share of octets in which nothing seen tells the purpose. Class UNKNOWN; never guessed.', 'share'),
        row('One direction only', coverage.one_way_biflows, biflows, 'Biflows whose other direction was not observed at any probe.'),
        row('Incomplete windows', coverage.incomplete_windows, coverage.windows, 'Time windows that were closed before all their packets had arrived.'),
        row('Late', coverage.late_biflows, biflows, 'Biflows with packets that arrived after their window was closed; counted in the window that was open.'),
        row('Sampled', coverage.sampled_biflows, biflows, 'Biflows of which only a sample of the packets was captured; their figures are what was captured.'),
    ];
}
function timeMeaning() {
    const told = coverage.pauses.slice(0, 3).map(pause => `${stamp(pause.from_ms)}, ${duration(pause.to_ms - pause.from_ms)}`);
    return 'Time windows in which packets were analysed, of those in the period.' +
        (told.length ? ` Longest pauses: ${told.join('; ')}.` : ' No pause.');
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
        text('What', row => el('span', {}, row.label, narrow(row.meaning))),
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
        estimateOf('verdicts', row.verdict) ? el('p', {}, 'Estimated, of all octets: ' + between(estimateOf('verdicts', row.verdict).share, percent)) : null,
        lost ? el('p', {}, `Packets: between ${percent(row.share_packets_low)} and ${percent(row.share_packets_high)}, whatever the unseen packets were`) : null)));
    bar('verdict-bar', 'Octets by verdict', report.verdicts.map(row => ({ label: (VERDICTS[row.verdict] || ['', row.verdict])[1],
        value: row.octets, look: row.verdict in VERDICTS ? row.verdict : 'none' })));
    at('verdict-bar').querySelectorAll('.legend').forEach(legend => legend.remove());
    put('verdict-basis', report.total.biflows ? `Blind: ${percent(coverage.share_blind_octets)} of octets. Coverage: ` : null,
        coverage.statement);
}

const changeOf = row => ((report.estimates || { verdicts: [] }).verdicts.find(other => other.verdict === row.verdict) || {}).change;
function verdictOnChange(change) {
    if (!change || change.refused)
        return 'not told' + (change ? ': ' + change.refused : '');
    if (change.low === change.high)
        return change.value ? 'yes, both were counted' : 'no change';
    return change.significant ? 'yes' : 'no: it may be chance';
}
/* Shares are compared, not octets: these depend on how much was analysed. */
function fillChange() {
    const before = report.previous;
    if (!before)
        return put('change-note', 'This audit is of all that is stored, so there is no period before it.');
    if (!before.total.octets)
        return put('change-note', `Nothing is stored of the period before (${before.period.text}).`);
    put('change-note', `Before: ${before.period.text}, ${size(before.total.octets)}, of whose packets ${percent(before.share_analysed)} were analysed. ` +
        'Shares are of the octets analysed; a change is in percentage points.');
    const shareBefore = verdict => before.verdicts.filter(row => row.verdict === verdict).reduce((sum, row) => sum + row.octets, 0) / before.total.octets;
    const points = value => { const text = (100 * Math.abs(value)).toFixed(1); return (text === '0.0' ? '' : value > 0 ? '+' : '−') + text; };
    table('change-table', 'Shares of octets, now and before', [
        { head: 'Verdict', cell: row => verdictMark(row.verdict) },
        number('Now', row => row.share_octets, percent), number('Before', row => shareBefore(row.verdict), percent),
        { head: 'Change', num: true, cell: row => points(changeOf(row) ? changeOf(row).value : row.share_octets - shareBefore(row.verdict)) },
        { head: 'Between', num: true, opt: true, cell: row => changeOf(row) && !changeOf(row).refused ? `${points(changeOf(row).low)} and ${points(changeOf(row).high)}` : '–' },
        text('Beyond chance?', row => verdictOnChange(changeOf(row))),
    ], report.verdicts, [], true);
}

function fillEstimates() {
    if (!estimates)
        return at('estimates').remove();
    const rows = report.classes.map(row => estimateOf('classes', row.class));
    put('estimate-note', estimates.statement + ' Lines show the intervals; a class without one is too rare to tell.');
    draw('estimate-chart', 'Estimated octets by class with intervals; shares with intervals are in the table below', 60 + 27 * rows.length, {
        labels: rows.map(row => clean(row.class)),
        datasets: [{ label: 'estimated octets', hue: 'c0', data: rows.map(row => row.octets), ranges: rows.map(row => row.refused ? null : [row.low, row.high]), maxBarThickness: 12, borderRadius: 2 }],
    }, { indexAxis: 'y', scales: { x: octetAxis(), y: axis(true, { grid: { display: false, drawBorder: false } }) } });
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
    fillEstimates();
    const part = verdict => number(VERDICTS[verdict][1], row => row[verdict + '_octets'], value => value ? size(value) : '–', { opt: true });
    table('class-table', 'Octets and biflows by class', [
        text('Class', row => row.class),
        number('Octets', row => row.octets, size), shareColumn('Share', row => row.share_octets),
        ...(estimates ? [{ head: 'Estimated share', num: true, opt: true, cell: row => between(estimateOf('classes', row.class).share, percent) }] : []),
        ...hues.map(part), number('Biflows', row => row.biflows),
    ], rows, [{ look: 'sum', cells: ['Total', size(report.total.octets), '', ...(estimates ? [between(estimates.total, size)] : []), ...hues.map(() => ''), count(report.total.biflows)] }]);
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

/* What a rule's decisions rest on. Counts of packets, per symptom; single biflows to begin a check with. */
const symptomText = symptoms => Object.entries(symptoms).map(([name, packets]) => `${name} ${packets}`).join(', ') || 'none';
function traceSymptoms(rule, id) {
    const rows = rule.trace.symptoms;
    if (!rows.length)
        return empty(id, 'No symptom was counted: the rule decided by addresses, ports and amounts.');
    table(id, `Symptoms in the biflows that rule ${rule.rule} decided`, [
        text('Symptom', row => foreign(row.symptom)), text('Named by the rule', row => row.named ? 'yes' : 'no'),
        number('Biflows', row => row.biflows), number('Packets', row => row.packets),
    ], rows);
}
function traceExamples(rule, id) {
    table(id, `The largest biflows that rule ${rule.rule} decided`, [
        { head: `Began (${report.timezone})`, cell: row => stamp(row.start_ms), value: row => row.start_ms },
        text('From', row => el('span', { class: 'mono' }, foreign(row.src))),
        text('To', row => el('span', { class: 'mono' }, foreign(row.dst), row.dport ? ` port ${row.dport}` : '')),
        number('Octets', row => row.octets, size),
        text('Symptoms', row => foreign(symptomText(row.symptoms))),
    ], rule.trace.examples);
}
function traceOf(rule, i) {
    const { trace } = rule, ids = ['symptoms', 'examples'].map(part => `trace-${i}-${part}`);
    const others = trace.alternatives.map(other => `${other.rule} (${other.class}, ${(VERDICTS[other.verdict] || ['', other.verdict])[1]}) names ${other.symptom}, ` +
        `seen in ${plural(other.biflows, 'biflow', 'biflows')}`);
    put('traces', el('details', { class: 'trace' },
        el('summary', {}, el('span', { class: 'mono' }, rule.rule), ' ', rule.class, ', ', verdictMark(rule.verdict), `, ${size(rule.octets)}`),
        rule.say ? el('p', {}, foreign(rule.say)) : null,
        rule.when ? el('pre', { tabindex: '0' }, el('code', {}, rule.when)) : null,
        el('p', {}, `It decided ${plural(rule.biflows, 'biflow', 'biflows')} in ${plural(rule.windows, 'time window', 'time windows')}, ` +
            `the first of ${stamp(rule.first_ms)}, the last of ${stamp(rule.last_ms)}.`),
        el('div', { class: 'scroll', id: ids[0] }),
        el('p', {}, el('b', {}, 'What else it may have been: '), others.length ? others.join('; ') + '.' :
            'no other rule of the policy names a symptom that was seen here.'),
        el('div', { class: 'scroll', id: ids[1] })));
    traceSymptoms(rule, ids[0]);
    if (trace.examples.length)
        traceExamples(rule, ids[1]);
}
function fillTraces() {
    const rules = report.rules.filter(rule => rule.trace);
    put('trace-note', rules.length ? 'For each rule: when it decided, which symptoms were counted, and which other rules speak of what was seen, too. ' +
        'It says what the traffic looked like, and nothing of who was at the keyboard.' : 'There is no such verdict in this audit.');
    rules.slice(0, MOST_TRACES).forEach(traceOf);
    if (rules.length > MOST_TRACES)
        empty('traces', `${count(rules.length - MOST_TRACES)} more are in report.json.`);
}

function fillDisclosures() {
    put('disclosure-note', report.disclosures.length ? 'Pseudonyms that were turned back into addresses: who asked, when and why. The latest 100.' :
        report.privacy.level === 'pseudonym' ? 'No pseudonym of this store was turned back into an address so far.' : 'No pseudonym was turned back into an address so far.');
    if (report.disclosures.length)
        table('disclosure-table', 'Who asked for addresses', [
            text('Time (UTC)', row => row.time.replace('T', '\u00a0').replace('Z', '')), text('Who', row => foreign(row.login || row.user)),
            text('Reason', row => foreign(row.reason)), text('Pseudonyms', row => el('span', { class: 'mono' }, foreign(row.asked.join(', ')))),
        ], report.disclosures);
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
        number('to review', row => row.review_octets, value => value ? size(value) : '–', { opt: true }), number('Biflows', row => row.biflows, count, { opt: true }),
    ], rows);
}

/*
 * Rows of the finest part there is, summed into slots of STEP, in local time; slots without traffic stand between them where
 * that stays readable.
 */
function slots() {
    const byWindow = report.windows.length > 0;
    const rows = byWindow ? report.windows : report.hours, key = byWindow ? 'window_ms' : 'hour_ms';
    const times = [...new Set(rows.map(row => row[key]))].sort((a, b) => a - b);
    const span = times.length ? times[times.length - 1] - times[0] : 0;
    const gap = times.slice(1).reduce((least, time, i) => Math.min(least, time - times[i]), Infinity);
    const step = byWindow ? (isFinite(gap) ? gap : HOUR) : span > 7 * DAY ? DAY : HOUR;
    const slotOf = ms => { const at = local(ms).getTime(); return byWindow ? at : at - at % step; };
    const sums = new Map();
    for (const row of rows) {
        const slot = slotOf(row[key]);
        if (!sums.has(slot))
            sums.set(slot, {});
        sums.get(slot)[row.class] = (sums.get(slot)[row.class] || 0) + row.octets;
    }
    const starts = [...sums.keys()].sort((a, b) => a - b), filled = span / step <= MOST_BARS;
    for (let slot = starts[0]; filled && slot < starts[starts.length - 1]; slot += step)
        if (!sums.has(slot))
            sums.set(slot, {});
    return { step, filled, list: [...sums].sort((a, b) => a[0] - b[0]) };
}
/* The label of a slot, a local time. */
function slotLabel(at, step, first, last) {
    const date = new Date(at), iso = date.toISOString();
    const shortDay = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()].slice(0, 3)}`;
    if (step === DAY)
        return shortDay + (last - first > 300 * DAY ? ' ' + date.getUTCFullYear() : '');
    return (last - first >= DAY ? shortDay + ' ' : '') + iso.slice(11, step < 60000 ? 19 : 16);
}
function fillTimes() {
    const { step, filled, list } = slots();
    if (!list.length) {
        at('time-chart').classList.add('empty');
        at('time-details').remove();
        return put('time-note', 'No traffic, so no course of it.');
    }
    const top = report.classes.slice(0, HUES).map(row => row.class), rest = report.classes.length > top.length;
    const label = slot => slotLabel(slot, step, list[0][0], list[list.length - 1][0]);
    put('time-note', `Octets by class and ${step === DAY ? 'day' : step === HOUR ? 'hour' : 'time window'}, ${report.timezone}.` +
        (filled ? '' : ' Times without traffic are left out.') + (rest ? ` The ${HUES} largest classes are shown, the rest as others.` : ''));
    const others = sums => Object.entries(sums).reduce((sum, [name, octets]) => top.includes(name) ? sum : sum + octets, 0);
    const total = sums => Object.values(sums).reduce((a, b) => a + b, 0);
    const datasets = top.map((name, i) => ({ label: clean(name), hue: 'c' + i, data: list.map(([, sums]) => sums[name] || 0) }));
    if (rest)
        datasets.push({ label: 'others', hue: 'c8', data: list.map(([, sums]) => others(sums)) });
    draw('time-chart', 'Octets over time by class; the figures are in the table below', 320,
        { labels: list.map(([slot]) => label(slot)), datasets: datasets.map(dataset => ({ ...dataset, maxBarThickness: 56, categoryPercentage: 0.9, barPercentage: 0.95 })) },
        { scales: { x: axis(true, { grid: { display: false, drawBorder: false }, ticks: { maxRotation: 0, autoSkipPadding: 16 } }), y: octetAxis() } });
    const dash = value => value ? size(value) : '–';
    table('time-table', `Octets by class over time (${report.timezone})`, [
        { head: 'Beginning', cell: row => new Date(row[0]).toISOString().slice(0, step === DAY ? 10 : 16).replace('T', '\u00a0'), value: row => row[0] },
        number('Octets', row => total(row[1]), size),
        ...top.map(name => number(name, row => row[1][name] || 0, dash)),
        ...(rest ? [number('others', row => others(row[1]), dash)] : []),
    ], list.filter(([, sums]) => Object.keys(sums).length));
}

/* The largest classes over time with their intervals; what was counted has none. */
const BANDS = 3;
function bandOf(name, hue, times, seen, guessed) {
    const pick = part => times.map(time => {
        const row = guessed.get(time + name);
        return row ? (row.refused ? null : row[part]) : seen.get(time + name) || 0;
    });
    const look = { hue, pointRadius: 0, borderWidth: 1.5 };
    return [{ ...look, label: clean(name), data: pick('octets') }, { ...look, label: '', faint: true, data: pick('low') },
        { ...look, label: '', faint: true, data: pick('high'), fill: '-1' }];
}
function fillBand() {
    const series = estimates ? estimates.series : [];
    if (!series.length)
        return at('band').remove();
    const byWindow = report.windows.length > 0, rows = byWindow ? report.windows : report.hours, key = byWindow ? 'window_ms' : 'hour_ms';
    const times = [...new Set([...rows.map(row => row[key]), ...series.map(row => row.t)])].sort((a, b) => a - b);
    const seen = new Map(rows.map(row => [row[key] + row.class, row.octets]));
    const guessed = new Map(series.map(row => [row.t + row.class, row]));
    const top = report.classes.slice(0, BANDS);
    put('band-note', `The ${top.length} largest classes by ${byWindow ? 'time window' : 'hour'}, ${report.timezone}, with what was lost: estimates in the middle of bands that hold the truth 95 times of 100. ` +
        'Where there is no band everything was counted; where there is no line too little was seen.');
    draw('band-chart', 'Estimated octets over time of the largest classes, with bands of uncertainty', 300, {
        labels: times.map(time => slotLabel(local(time).getTime(), byWindow ? 1 : HOUR, times[0], times[times.length - 1])),
        datasets: top.flatMap((row, i) => bandOf(row.class, 'c' + i, times, seen, guessed)),
    }, { scales: { x: axis(false, { grid: { display: false, drawBorder: false }, ticks: { maxRotation: 0, autoSkipPadding: 16 } }),
        y: axis(false, { beginAtZero: true, ticks: { callback: value => size(value), maxTicksLimit: 7 } }) } }, 'line');
}

const HOURS = [...Array(24).keys()].map(hour => two(hour));
function fillMaps() {
    const spread = (rows, key, value) => HOURS.map((_, hour) => rows.filter(row => row.hour === hour && row[key] === value).reduce((sum, row) => sum + row.octets, 0));
    put('week-note', `Octets in each hour of the week, ${report.timezone}.` +
        (report.to_ms - report.from_ms < 7 * DAY ? ' Less than a week was observed: what is blank may not have been looked at.' : ''));
    map('week-map', 'Octets by hour and weekday', HOURS, WEEKDAYS.map((name, i) => ({ name, values: spread(report.weekdays, 'weekday', i) })));
    map('class-map', 'Octets by class and hour of the day', HOURS,
        report.classes.slice(0, 2 * HUES).map(row => ({ name: row.class, values: spread(report.class_hours, 'class', row.class) })), true);
}

const DIRECTIONS = { internal: 'within the network', outgoing: 'begun from inside', incoming: 'begun from outside', transit: 'neither end inside' };
function fillDirections() {
    const rows = report.directions, dash = value => value ? size(value) : '–';
    if (rows.every(row => row.direction === 'transit'))
        return put('direction-note', 'No prefix of the network is named in the configuration (aggregates in mira.conf), or none was seen, so inside and outside cannot be told apart.');
    put('direction-note', 'By who began a conversation; inside is what lies in a part of the network that is named in the configuration.');
    bar('direction-bar', 'Octets by direction', rows.map((row, i) => ({ label: row.direction, value: row.octets, look: 'c' + i })));
    table('direction-table', 'Octets by direction', [
        text('Direction', row => el('span', {}, row.direction, ' ', el('small', { class: 'quiet' }, DIRECTIONS[row.direction] || ''))),
        number('Octets', row => row.octets, size), shareColumn('Share', row => row.share_octets),
        number('Not acceptable', row => row.unacceptable_octets, dash), number('To review', row => row.review_octets, dash, { opt: true }),
        number('Biflows', row => row.biflows, count, { opt: true }),
    ], rows);
}

function hostTable(id, caption, rows, others) {
    const dash = value => value ? size(value) : '–';
    if (!rows.length)
        return empty(id, others.hosts ? `${plural(others.hosts, 'host', 'hosts')}, ${size(others.octets)}. Not shown one by one at this level of privacy.` : 'No hosts.');
    table(id, caption, [
        text('Host', row => el('span', { class: 'mono' }, foreign(row.address))),
        number('Sent', row => row.sent_octets, size), number('Received', row => row.received_octets, size),
        number('Biflows', row => row.biflows, count, { opt: true }),
        number('Not acceptable by a rule', row => row.unacceptable_octets, dash), number('To review', row => row.review_octets, dash, { opt: true }),
        text('Mostly', row => row.main_class, { opt: true }),
    ], rows, others.hosts ? [{ cells: [plural(others.hosts, 'other', 'others'), size(others.sent_octets), size(others.received_octets), count(others.biflows),
        dash(others.unacceptable_octets), dash(others.review_octets), ''] }] : []);
}
function fillHosts() {
    const known = report.inside.length + report.inside_others.hosts > 0;
    put('host-note', known ? 'Hosts inside the parts of the network that are named in the configuration.' :
        'Every biflow has two hosts, so the octets of all hosts add up to twice the total.');
    if (known)
        hostTable('host-table', `The ${report.inside.length} hosts inside with most octets sent and received`, report.inside, report.inside_others);
    else
        hostTable('host-table', `The ${report.hosts.length} hosts with most octets sent and received`, report.hosts, report.hosts_others);
    if (known)
        hostTable('peer-table', `The ${report.peers.length} peers with most octets sent and received`, report.peers, report.peers_others);
    else
        at('peers').remove();
}
function fillSystems() {
    const others = report.systems_others, dash = value => value ? size(value) : '–';
    put('system-note', report.systems.length + others.systems ? 'Who announces the addresses outside, by the database that mira-report was given. It is of its date, not of that of the traffic.' :
        'mira-report was given no database of autonomous systems (--as), so addresses are not summed up by who announces them.');
    if (report.systems.length)
        table('system-table', `The ${report.systems.length} autonomous systems with most octets sent and received`, [
            text('Autonomous system', row => foreign(row.system)), number('Hosts', row => row.hosts, count, { opt: true }),
            number('Sent', row => row.sent_octets, size), number('Received', row => row.received_octets, size),
            number('Not acceptable by a rule', row => row.unacceptable_octets, dash), text('Mostly', row => row.main_class, { opt: true }),
        ], report.systems, others.systems ? [{ cells: [plural(others.systems, 'other', 'others'), count(others.hosts), size(others.sent_octets), size(others.received_octets),
            dash(others.unacceptable_octets), ''] }] : []);
}
/* Where packets were seen: the probes of a biflow, and its VLANs. */
function fillLinks() {
    const others = report.links_others, dash = value => value ? size(value) : '–';
    if (report.links.length)
        table('link-table', 'Octets by probe and VLAN', [
            text('Probe', row => row.probe === null ? el('i', {}, 'not known') : foreign(row.probe.replace(/,/g, ', '))),
            text('VLAN', row => row.vlan === null ? '–' : foreign(row.vlan.replace(/,/g, ', '))),
            number('Octets', row => row.octets, size), shareColumn('Share', row => report.total.octets ? row.octets / report.total.octets : 0),
            number('Not acceptable', row => row.unacceptable_octets, dash), number('To review', row => row.review_octets, dash, { opt: true }),
            number('Biflows', row => row.biflows, count, { opt: true }),
        ], report.links, others.links ? [{ cells: [plural(others.links, 'other', 'others'), '', size(others.octets), '', '', '', count(others.biflows)] }] : []);
}
function fillNames() {
    const others = report.names_others, dash = value => value ? size(value) : '–';
    if (!report.names.length)
        return empty('name-table', others.names ? `${plural(others.names, 'name', 'names')}, ${size(others.octets)}. Not shown one by one at this level of privacy.` : 'No names were seen.');
    table('name-table', `The ${report.names.length} names with most octets`, [
        text('Name', row => foreign(row.name.replace(/,/g, ', '))), number('Octets', row => row.octets, size), number('Biflows', row => row.biflows, count, { opt: true }),
        number('Not acceptable by a rule', row => row.unacceptable_octets, dash), text('Mostly', row => row.main_class, { opt: true }),
    ], report.names, others.names ? [{ cells: [plural(others.names, 'other', 'others'), size(others.octets), count(others.biflows), dash(others.unacceptable_octets), ''] }] : []);
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
        (row.first_ms ? `, ${moment(row.first_ms)} ${report.timezone}` : ''), 'bad');
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
        { head: `From (${report.timezone})`, cell: row => row.first_ms === null ? '–' : stamp(row.first_ms), value: row => row.first_ms || 0, opt: true },
    ], report.streams);
    if (report.inputs.length)
        table('input-table', 'What was audited, with the id of its run (for a file, of its content)', [
            text('Input', row => foreign(row.file || 'interface ' + row.interface)), text('Run', row => el('span', { class: 'mono' }, row.run), { opt: true }),
        ], report.inputs);
}

[fillCover, fillCoverage, fillVerdicts, fillChange, fillClasses, fillAggregates, fillTimes, fillBand, fillMaps, fillDirections, fillStreams, fillLinks,
    fillHosts, fillSystems, fillNames, fillTunnels, fillRules, fillTraces, fillDisclosures].forEach(fill => fill());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redress);
/* On paper the conditions are open, and charts have paper's colours. */
let opened = [];
addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('td details:not([open]), th details:not([open]), details.trace:not([open])')];
    opened.forEach(details => { details.open = true; });
    redress();
});
addEventListener('afterprint', () => {
    opened.forEach(details => { details.open = false; });
    redress();
});
})();
