/** What is shown while something goes on: in a log, and on a terminal. */
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { Waiting } from "./waiting";

const MINUTE = 60_000;

/** A terminal's stream that keeps what is written, and when the line was cleared. */
function stream(columns = 80) {
  const written: string[] = [];
  const kept = new PassThrough();
  kept.on("data", (chunk: Buffer) => {
    const text = stripVTControlCharacters(chunk.toString());
    if (text) written.push(text); // hiding the cursor leaves nothing
  });
  const terminal = {
    ...{ isTTY: true, columns, cursorTo: () => true, moveCursor: () => true },
    clearLine: () => void written.push("(cleared)"),
  };
  return { written, stream: Object.assign(kept, terminal) as unknown as NodeJS.WriteStream };
}

function open() {
  let end = () => undefined as void;
  const work = new Promise<string>((done) => (end = () => done("result")));
  return { work, end };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it("tells a log each half minute what goes on, and nothing of what is soon over", async () => {
  const { written, stream: log } = stream();
  const { work, end } = open();
  const waited = new Waiting(log, false).during((seconds) => `Tuning: ${seconds} s`, work);
  await jest.advanceTimersByTimeAsync(29_000);
  expect(written).toEqual([]);
  await jest.advanceTimersByTimeAsync(31_000);
  end();
  expect(await waited).toBe("result");
  await jest.advanceTimersByTimeAsync(MINUTE);
  expect(written).toEqual(["  Tuning: 30 s\n", "  Tuning: 60 s\n"]);
});

it("turns on a terminal, one line long, with what is written above it, and leaves nothing behind", async () => {
  const { written, stream: terminal } = stream(20);
  const { work, end } = open();
  const waiting = new Waiting(terminal, true);
  const waited = waiting.during((seconds) => `Tuning for ${Math.floor(seconds)} s of many`, work);
  await jest.advanceTimersByTimeAsync(2500);
  expect(written.at(-1)).toMatch(/^. Tuning for 2 s of$/);
  const before = written.length;
  waiting.above(() => terminal.write("done\n"));
  await jest.advanceTimersByTimeAsync(0);
  expect(written.slice(before)).toEqual(["(cleared)", "done\n", expect.stringMatching(/^. Tuning for 2 s of$/)]);
  end();
  await waited;
  expect(written.at(-1)).toBe("(cleared)");
  expect(jest.getTimerCount()).toBe(0);
});
