/** Command lines and what they mean. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseWords } from "./parse";
import { reference } from "./reference";
import { NO_OPTIONS } from "./requests";

const words = (line: string) => line.split(" ").filter(Boolean);
const request = (line: string) => {
  const parsed = parseWords(words(line));
  return "request" in parsed ? parsed.request : parsed;
};
const verb = (command: string, more: object = {}) => ({ ...NO_OPTIONS, command, stack: "local", json: false, ...more });

describe("parseWords", () => {
  it.each([
    ["up", verb("up")],
    [
      "up -y --diff -r --expect-no-changes -f -p 4",
      verb("up", { yes: true, diff: true, refresh: true, expectNoChanges: true, skipPreview: true, parallel: 4 }),
    ],
    [
      "up -t urn:1 --target urn:2 --policy-pack a --policy-pack b --show-secrets --timings",
      verb("up", { target: ["urn:1", "urn:2"], policyPack: ["a", "b"], showSecrets: true, timings: true }),
    ],
    ["preview -s dev --json", verb("preview", { stack: "dev", json: true })],
    ["up -c prefix=a -c gcp:region=b=c", verb("up", { config: { "sparklab:prefix": "a", "gcp:region": "b=c" } })],
    ["drift -j", verb("drift", { json: true })],
    ["state list", { command: "state", action: "list", stack: "local", json: false }],
    ["state show raw -s dev", { command: "state", action: "show", urn: "raw", stack: "dev", showSecrets: false }],
    [
      "state export --file a.json",
      { command: "state", action: "export", stack: "local", file: "a.json", showSecrets: false },
    ],
    [
      "state import --file a.json --yes",
      { command: "state", action: "import", stack: "local", file: "a.json", yes: true },
    ],
    ["graph --mermaid", { command: "graph", stack: "local", mermaid: true }],
    ["dag list --json", { command: "dag", action: "list", stack: "local", json: true }],
    [
      "dag run churn_batch_scoring --conf {} -q",
      { command: "dag", action: "run", dag: "churn_batch_scoring", conf: "{}", quiet: true, stack: "local" },
    ],
    ["dag logs a b -s dev", { command: "dag", action: "logs", dag: "a", run: "b", stack: "dev" }],
    ["run", { command: "run", jobs: [], stack: "local", quiet: false }],
    [
      "run churn_training --pipeline-id a1 -q",
      { command: "run", jobs: ["churn_training"], stack: "local", pipelineId: "a1", quiet: true },
    ],
    ["logs", { command: "logs", stack: "local" }],
    ["logs churn-training-1", { command: "logs", stack: "local", batch: "churn-training-1" }],
    ["exec -- bq --help", { command: "exec", words: ["bq", "--help"] }],
    ["exec bq ls --json", { command: "exec", words: ["bq", "ls", "--json"] }],
    ["profiles --json", { command: "profiles", json: true }],
    ["doctor --fix", { command: "doctor", fix: true, json: false }],
    ["completion fish", { command: "completion", shell: "fish" }],
    ["down", { command: "down" }],
  ])("reads %s", (line, expected) => expect(request(line)).toEqual(expected));

  it.each(["--help", "run --help", "state export --help"])("prints help and succeeds for %s", (line) => {
    expect(parseWords(words(line))).toEqual({ text: expect.stringContaining("Usage: sparklab"), exitCode: 0 });
  });

  it.each([
    ["", "Usage: sparklab"],
    ["upp", "error: unknown command 'upp'\n(Did you mean up?)\n"],
    ["up --jsn", "error: unknown option '--jsn'\n(Did you mean --json?)\n"],
    ["up -c prefix", "error: option '-c, --config <key=value>' argument 'prefix' is invalid. expected key=value"],
    ["up -p 0", "argument '0' is invalid. expected a whole number from 1"],
    ["refresh --policy-pack a", "error: unknown option '--policy-pack'"],
    ["state", "Usage: sparklab state"],
    ["state import", "error: required option '--file <file>' not specified\n"],
    ["completion tcsh", "Allowed choices are bash, zsh, fish"],
    ["exec", "error: missing required argument 'words'\n"],
  ])("refuses %j with exit code 2", (line, text) => {
    expect(parseWords(words(line))).toEqual({ text: expect.stringContaining(text), exitCode: 2 });
  });
});

describe("docs/cli.md", () => {
  it("is what `npx sparklab reference` prints", () => {
    expect(readFileSync(join(__dirname, "..", "docs", "cli.md"), "utf8")).toBe(reference());
  });
});
