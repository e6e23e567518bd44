/* page.figures.js: what was audited, what the figures rest on, verdicts, classes, parts of the network. */

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
