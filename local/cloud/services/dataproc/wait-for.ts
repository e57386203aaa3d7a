/** For tests: asks again until an answer is the expected one; the test's own time limit ends a wait that is in vain. */
import { setTimeout as pause } from "node:timers/promises";

export async function waitFor<T>(ask: () => Promise<T>, isExpected: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isExpected(answer)) return answer;
    await pause(20);
  }
}
