/* page.times.js: the course of time, bands of uncertainty, maps of the week and the day, directions. */

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
