/** Jobs in turns: some at the same time, the others as soon as one of these has ended. */

/** Begins `jobs` in their order, at most `atOnce` at a time; resolves with their results in that order. */
export async function inTurns(jobs, atOnce) {
  const results = [];
  const waiting = jobs.entries();
  const takeTurns = async () => {
    for (const [at, job] of waiting) results[at] = await job();
  };
  await Promise.all(Array.from({ length: atOnce }, takeTurns));
  return results;
}
