/** What may follow `npm start --`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./set-up.mjs";
import { OPTIONS, parseStartWords, USAGE } from "./start-words.mjs";

test("the words of npm start are those of the command that it hands them to", () => {
  const [, section] = /^## start\n(.*?)^## /ms.exec(readFileSync(join(root, "docs", "cli.md"), "utf8"));
  const told = [...section.matchAll(/^\| `--([a-z]+)( <[^`]+>)?`/gm)].map(([, name, value]) => [name, Boolean(value)]);
  assert.deepEqual(
    told,
    Object.entries(OPTIONS).map(([name, { type }]) => [name, type === "string"]),
  );
});

test("good words are taken", () => {
  assert.deepEqual(
    { ...parseStartWords(["--data=a.csv", "--tune", "--scoring", "dag"]) },
    {
      data: "a.csv",
      tune: true,
      scoring: "dag",
    },
  );
  assert.equal(parseStartWords(["-h"]).help, true);
});

test("all that is wrong is told at once, and what is right beside it", () => {
  assert.throws(() => parseStartWords(["--tunne", "now", "--again=yes", "--scoring", "dagg", "--data", "--tune"]), {
    name: "Error",
    message: [
      "--tunne: not known",
      "now: not known",
      "--again: takes no value",
      "--scoring: got dagg; expected batch or dag",
      "--data: got --tune; expected a CSV of your own customers",
      USAGE,
    ].join("\n"),
  });
  assert.throws(() => parseStartWords(["--data"]), /^Error: --data: got nothing; expected/);
});
