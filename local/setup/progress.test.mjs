/** What set-up promises before it begins, and what it tells in a log. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Progress, longestChain } from "./progress.mjs";

const step = (name, seconds, more) => ({ name, title: `Part ${name}`, seconds, megabytes: 100, ...more });
const steps = [step("a", 5), step("b", 7, { needs: ["a"] }), step("c", 10)];

test("estimates by the longest chain of what is missing", () => {
  assert.equal(longestChain(steps, new Set(steps)), 12);
  assert.equal(longestChain(steps, new Set([steps[1], steps[2]])), 10);
  assert.equal(longestChain(steps, new Set()), 0);
});

test("tells a log what is made and what it takes, and nothing where nothing is missing", () => {
  const told = (missing) => {
    const lines = [];
    const progress = new Progress({ write: (text) => lines.push(text) });
    progress.begin(steps, missing);
    for (const one of steps) if (!missing.includes(one)) progress.skip(one);
    for (const one of missing) progress.start(one);
    for (const one of missing) progress.finish(one, 4, 99);
    progress.end();
    return lines.join("");
  };
  assert.equal(told([]), "");
  const text = told(steps.slice(1));
  assert.match(text, /^Setting up 2 of 3 parts: about 10 s on a fast line, 200 MB on disk\.\n/);
  assert.match(text, /\n {2}… Part c: about 10 s {2}\[1\/3, /);
  assert.match(text, /\n {2}✓ Part b: 4\.0 s, 99 MB {2}\[2\/3, /);
  assert.match(text, /\nSet up in \d+\.\d s\.\n$/);
});
