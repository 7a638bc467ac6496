// Counts tests as people do: each test that ran, failed or was skipped once; a skipped suite is one skipped.

export default async function* countReporter(source) {
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const isSuite = data.details?.type === 'suite';
    if (data.skip !== undefined) {
      counts.skipped += 1;
      counts.skips.push(`${data.name}: ${data.skip === true || data.skip === '' ? 'no reason given' : data.skip}`);
    } else if (type === 'test:fail' && !(isSuite && data.details?.error?.failureType === 'subtestsFailed')) {
      counts.failed += 1;
      counts.failures.push(`${data.name} (${data.file ?? ''}:${data.line ?? ''})`);
    } else if (type === 'test:pass' && !isSuite) counts.passed += 1;
  }
  yield `${JSON.stringify(counts)}\n`;
}
