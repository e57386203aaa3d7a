/** From words to a request: pure, so that every command line can be tested without running anything. */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { LOCAL_STACK } from "./lab";

export type Request =
  | {
      command: "preview" | "up" | "destroy" | "refresh";
      stack: string;
      json: boolean;
      settings: Record<string, string>;
    }
  | { command: "run"; stack: string; jobs: string[]; pipelineId?: string; modelVersion?: string; quiet: boolean }
  | { command: "status"; stack: string; json: boolean }
  | { command: "logs"; stack: string; batch?: string }
  | { command: "env"; json: boolean }
  | { command: "exec"; words: string[] }
  | { command: "down" }
  | { command: "start"; data?: string };

/** What parsing came to: a request to carry out, or text to print with an exit code. */
export type Parsed = { request: Request } | { text: string; exitCode: 0 | 2 };

const EXIT_CODES = `
Exit codes:
  0  done
  1  a resource, a batch or the program failed
  2  the command, the configuration or the input is wrong: nothing was changed`;

/** @param words Command line without node and script. */
export function parseWords(words: readonly string[]): Parsed {
  let request: Request | undefined;
  let text = "";
  const program = commandTree((found) => (request = found));
  const collect = { writeOut: (part: string) => (text += part), writeErr: (part: string) => (text += part) };
  for (const command of [program, ...program.commands]) command.exitOverride().configureOutput(collect);
  try {
    program.parse([...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { text, exitCode: error.exitCode === 0 ? 0 : 2 };
  }
  return request ? { request } : { text: program.helpInformation(), exitCode: 2 };
}

function commandTree(found: (request: Request) => void): Command {
  const program = new Command("sparklab")
    .description("The Spark MLOps lab, on this machine or on Google Cloud")
    .enablePositionalOptions()
    .addHelpText("after", EXIT_CODES);
  const stack = () =>
    new Option("-s, --stack <name>", "environment; every other than local is on Google Cloud").default(LOCAL_STACK);
  const json = () => new Option("--json", "print one JSON document").default(false);

  const lifecycle = {
    preview: "show what up would change",
    up: "bring the lab up: create and update what the program declares",
    refresh: "read what is really there and correct the state",
    destroy: "delete what the stack declared and list what stays behind",
  } as const;
  for (const [name, description] of Object.entries(lifecycle) as [keyof typeof lifecycle, string][]) {
    program
      .command(name)
      .description(description)
      .addOption(stack())
      .addOption(json())
      .option(
        "-c, --config <key=value>",
        "configuration for this run alone, before the stack's file; repeatable",
        addSetting,
        {},
      )
      .action(({ config, ...options }: { stack: string; json: boolean; config: Record<string, string> }) =>
        found({ command: name, ...options, settings: config }),
      );
  }
  program
    .command("run")
    .description("run the jobs of the catalogue as batches, each after those that it follows")
    .argument("[jobs...]", "jobs of pyspark/jobs.yaml (default: all)")
    .addOption(stack())
    .option("--pipeline-id <id>", "run or resume this pipeline run (default: a new one, from the time)")
    .option("--model-version <version>", "model to score with (default: this run's, or the newest when it trains none)")
    .option("-q, --quiet", "no driver output", false)
    .action((jobs: string[], options: { stack: string; pipelineId?: string; modelVersion?: string; quiet: boolean }) =>
      found({ command: "run", jobs, ...options }),
    );
  program
    .command("status")
    .description("what runs, what is deployed, what stays behind")
    .addOption(stack())
    .addOption(json())
    .action((options: { stack: string; json: boolean }) => found({ command: "status", ...options }));
  program
    .command("logs")
    .description("driver output of a batch")
    .argument("[batch]", "batch id (default: the newest)")
    .addOption(stack())
    .action((batch: string | undefined, options: { stack: string }) =>
      found({ command: "logs", ...options, ...(batch ? { batch } : {}) }),
    );
  program
    .command("env")
    .description('exports that lead every Google client to the loopback cloud: eval "$(npx sparklab env)"')
    .addOption(json())
    .action((options: { json: boolean }) => found({ command: "env", ...options }));
  program
    .command("exec")
    .description("run one command with those variables set")
    .argument("<words...>", "command after --")
    .passThroughOptions()
    .action((words: string[]) => found({ command: "exec", words }));
  program
    .command("start")
    .description("preview, up, run and summary, as npm start does after set-up")
    .option("--data <file>", "a CSV of your own customers")
    .action((options: { data?: string }) => found({ command: "start", ...options }));
  program
    .command("down")
    .description("stop the loopback cloud; its state stays")
    .action(() => found({ command: "down" }));
  return program;
}

function addSetting(text: string, settings: Record<string, string>): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined)
    throw new InvalidArgumentError("expected key=value, e.g. sparklab:prefix=lab");
  return { ...settings, [key.includes(":") ? key : `sparklab:${key}`]: value };
}
