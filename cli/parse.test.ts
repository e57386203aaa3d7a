/** Command lines and what they mean. */
import { parseWords } from "./parse";

const request = (line: string) => {
  const parsed = parseWords(line.split(" ").filter(Boolean));
  return "request" in parsed ? parsed.request : parsed;
};

describe("parseWords", () => {
  it.each([
    ["up", { command: "up", stack: "local", json: false, settings: {} }],
    ["preview -s dev --json", { command: "preview", stack: "dev", json: true, settings: {} }],
    [
      "up -c prefix=a -c gcp:region=b=c",
      { command: "up", stack: "local", json: false, settings: { "sparklab:prefix": "a", "gcp:region": "b=c" } },
    ],
    ["run", { command: "run", jobs: [], stack: "local", quiet: false }],
    [
      "run churn_training --pipeline-id a1 -q",
      { command: "run", jobs: ["churn_training"], stack: "local", pipelineId: "a1", quiet: true },
    ],
    ["logs", { command: "logs", stack: "local" }],
    ["logs churn-training-1", { command: "logs", stack: "local", batch: "churn-training-1" }],
    ["exec -- bq --help", { command: "exec", words: ["bq", "--help"] }],
    ["exec bq ls --json", { command: "exec", words: ["bq", "ls", "--json"] }],
    ["down", { command: "down" }],
  ])("reads %s", (line, expected) => expect(request(line)).toEqual(expected));

  it.each(["--help", "run --help"])("prints help and succeeds for %s", (line) => {
    expect(parseWords(line.split(" "))).toEqual({ text: expect.stringContaining("Usage: sparklab"), exitCode: 0 });
  });

  it.each([
    ["", "Usage: sparklab"],
    ["upp", "error: unknown command 'upp'\n(Did you mean up?)\n"],
    ["up --jsn", "error: unknown option '--jsn'\n(Did you mean --json?)\n"],
    ["up -c prefix", "error: option '-c, --config <key=value>' argument 'prefix' is invalid. expected key=value"],
    ["exec", "error: missing required argument 'words'\n"],
  ])("refuses %j with exit code 2", (line, text) => {
    expect(parseWords(line.split(" ").filter(Boolean))).toEqual({ text: expect.stringContaining(text), exitCode: 2 });
  });
});
