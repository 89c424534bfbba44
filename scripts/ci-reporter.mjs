// Ends a test run with the programs that were not found, loudly, and one plain line of counts.
export default class ClosingLine {
  onTestRunEnd(modules) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const missing = new Map();
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === 'pending' ? 'skipped' : state]++;
        const peer = /\[needs ([^\]]+)\]/.exec(test.fullName)?.[1];
        if (state === 'skipped' && peer) missing.set(peer, (missing.get(peer) ?? 0) + 1);
      }
      if (module.children.size === 0 && module.state() === 'failed') counts.failed++;
      counts.failed += module.errors().length > 0 && module.children.size > 0 ? 1 : 0;
    }
    if (missing.size > 0) {
      console.log('\nNOT RUN, because these programs were not found:');
      for (const [peer, count] of [...missing].sort())
        console.log(`  ${peer}: ${count} test${count === 1 ? '' : 's'}`);
    }
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}
