/* page.detail.js: links, hosts, names, rules and what they rest on; at last, the page is filled. */

/* What became of verdicts of a rule whom they concern was told of. */
const STATES = ['open', 'contested', 'upheld', 'withdrawn'];
const contestedBy = rule => report.contested.filter(entry => entry.rule === rule.rule);
const entryText = entry => `${entry.who}, ${entry.from === entry.to ? entry.from : `${entry.from} to ${entry.to}`}: ${entry.state}`;
function contestedLine(rule) {
    const entries = contestedBy(rule);
    return entries.length ? el('small', {}, el('a', { href: '#contested' }, `${STATES.filter(state => entries.some(entry => entry.state === state))
        .map(state => `${entries.filter(entry => entry.state === state).length} ${state}`).join(', ')}`)) : null;
}
function ruleCell(row) {
    const more = row.source === 'unknown' ? 'This rule is not in the policy as it is now.' : row.say;
    return el('div', { class: 'said' }, el('span', { class: 'mono' }, row.rule),
        narrow(row.class + ', ', verdictMark(row.verdict)), more ? el('small', {}, foreign(more)) : null, contestedLine(row),
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
        contestedBy(rule).length ? el('p', {}, el('b', {}, 'Somebody was told, or contests it: '), foreign(contestedBy(rule).map(entryText).join('; ') + '.')) : null,
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
function fillContested() {
    put('contested-note', report.contested.length ? 'Who was told of a verdict, or contests it, in this period, and what came of it. Open: told, and nothing said yet. ' +
        'Contested: not decided. Upheld: the verdict stands. Withdrawn: it must not be held against anybody, though its octets are still counted above.' :
        'No verdict of this period is known to be contested.');
    if (report.contested.length)
        table('contested-table', 'Verdicts that are contested, and what came of it', [
            text('Rule', row => foreign(row.rule)), text('Who', row => el('span', { class: 'mono' }, foreign(row.who))),
            text('Days', row => row.from === row.to ? row.from : `${row.from} to ${row.to}`), text('State', row => row.state),
            text('Reason', row => foreign(row.reason || '–')), text('Decision', row => foreign([row.by, row.decision].filter(Boolean).join(': ') || '–')),
        ], report.contested);
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
    fillHosts, fillSystems, fillNames, fillTunnels, fillRules, fillTraces, fillContested, fillDisclosures].forEach(fill => fill());
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
