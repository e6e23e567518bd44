/*
 * page.tools.js: what the parts of the page are made of: elements, numbers, times, tables, maps, charts. The first of the files
 * page.*.js, which stand in the page as one script and fill it from the report in it.
 *
 * Names come from packets: they become text nodes, never markup. Charts show what the tables hold, nothing more.
 */
'use strict';
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
