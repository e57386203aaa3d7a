/** The commands about a stack's deployment: Pulumi's verbs with Pulumi's option names, drift, state and graph. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { LOCAL_STACK } from "./lab";
import {
  NO_OPTIONS,
  type DeploymentOptions,
  type DeploymentRequest,
  type Request,
  type StateRequest,
  type UndeployRequest,
} from "./requests";

export type Found = (request: Request) => void;

export const stackOption = () =>
  new Option("-s, --stack <name>", "environment; every other than local is on Google Cloud").default(LOCAL_STACK);
export const jsonOption = () => new Option("-j, --json", "print one JSON document").default(false);

const flag = (flags: string, description: string) => () => new Option(flags, description).default(false);

/** Each option once; a verb names those that it has. */
const OPTIONS = {
  stack: stackOption,
  json: jsonOption,
  config: () =>
    new Option("-c, --config <key=value>", "configuration for this run alone, before the stack's file; repeatable")
      .default({}, "none")
      .argParser(addSetting),
  yes: flag("-y, --yes", "go without asking; needed without a terminal for what changes Google Cloud"),
  diff: flag("--diff", "show each change with its properties, line by line"),
  refresh: flag("-r, --refresh", "read what is really there before anything else"),
  expectNoChanges: flag("--expect-no-changes", "fail if there are changes"),
  skipPreview: flag("-f, --skip-preview", "go without the preview before the change where no policy pack needs it"),
  target: () =>
    new Option("-t, --target <urn>", "a single resource; nothing else is touched; repeatable")
      .default([], "all")
      .argParser(addText),
  parallel: () => new Option("-p, --parallel <n>", "steps at once (default: 16)").argParser(readCount),
  policyPack: () =>
    new Option("--policy-pack <folder>", "check with this policy pack; repeatable")
      .default([], "none")
      .argParser(addText),
  showSecrets: flag("--show-secrets", "show secret values in plain text: outputs, or those of the state"),
  timings: flag("--timings", "show what each resource waited for"),
} as const;

type OptionName = keyof typeof OPTIONS;

const VERBS: readonly {
  command: DeploymentRequest["command"];
  description: string;
  options: readonly OptionName[];
}[] = [
  {
    command: "preview",
    description: "show what up would change",
    options: ["config", "diff", "refresh", "expectNoChanges", "target", "parallel", "policyPack", "timings"],
  },
  {
    command: "up",
    description: "bring the lab up: create and update what the program declares",
    options: [
      ...(["config", "yes", "diff", "refresh", "expectNoChanges", "skipPreview", "target", "parallel"] as const),
      ...(["policyPack", "showSecrets", "timings"] as const),
    ],
  },
  {
    command: "refresh",
    description: "read what is really there and correct the state",
    options: ["yes", "expectNoChanges", "target", "parallel", "timings"],
  },
  {
    command: "destroy",
    description: "delete what the stack declared and list what stays behind; asks on a terminal",
    options: ["yes", "diff", "refresh", "target", "parallel", "timings"],
  },
  {
    command: "drift",
    description: "show what differs from the state and change nothing; exit code 3 if anything does",
    options: ["target", "parallel"],
  },
];

export function addDeployments(program: Command, found: Found): void {
  for (const { command, description, options } of VERBS) {
    const made = program.command(command).description(description);
    for (const name of ["stack", "json", ...options] as const) made.addOption(OPTIONS[name]());
    made.action((given: DeploymentOptions) => found({ command, ...NO_OPTIONS, ...given }));
  }
  program
    .command("undeploy")
    .description("undeploy the models of the stack's endpoint, which destroy cannot delete while it serves")
    .addOption(stackOption())
    .addOption(OPTIONS.yes())
    .action((given: Omit<UndeployRequest, "command">) => found({ command: "undeploy", ...given }));
  addState(program, found);
  program
    .command("graph")
    .description("what depends on what in the stack, as a DOT graph")
    .addOption(stackOption())
    .option("--mermaid", "a Mermaid flowchart instead", false)
    .action((given: { stack: string; mermaid: boolean }) => found({ command: "graph", ...given }));
}

function addState(program: Command, found: Found): void {
  const state = program.command("state").description("look at the stack's state, take it away, put it back");
  type Given<Action extends string> = Omit<Extract<StateRequest, { action: Action }>, "command" | "action">;
  state
    .command("list")
    .description("type and name of each resource; URN, type and id with --json")
    .addOption(stackOption())
    .addOption(jsonOption())
    .action((given: Given<"list">) => found({ command: "state", action: "list", ...given }));
  state
    .command("show")
    .description("one resource as JSON")
    .argument("<urn>", "its URN, or its name if only one has it")
    .addOption(stackOption())
    .addOption(OPTIONS.showSecrets())
    .action((urn: string, given: Omit<Given<"show">, "urn">) =>
      found({ command: "state", action: "show", urn, ...given }),
    );
  state
    .command("export")
    .description("the whole state as `pulumi stack export` writes it")
    .addOption(stackOption())
    .option("--file <file>", "write there, readable by you alone (default: standard output)")
    .addOption(OPTIONS.showSecrets())
    .action((given: Given<"export">) => found({ command: "state", action: "export", ...given }));
  state
    .command("import")
    .description("replace the whole state; the one before stays as a backup")
    .addOption(stackOption())
    .requiredOption("--file <file>", "what `state export` or `pulumi stack export` wrote")
    .addOption(OPTIONS.yes())
    .action((given: Given<"import">) => found({ command: "state", action: "import", ...given }));
}

function addSetting(text: string, settings: Record<string, string>): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined)
    throw new InvalidArgumentError("expected key=value, e.g. sparklab:prefix=lab");
  return { ...settings, [key.includes(":") ? key : `sparklab:${key}`]: value };
}

const addText = (text: string, list: string[]): string[] => [...list, text];

function readCount(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError("expected a whole number from 1");
  return Number(text);
}
