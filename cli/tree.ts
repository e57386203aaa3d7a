/** The whole command tree: parsing, help, docs/cli.md and shell completion are made from it. */
import { Argument, Command, Option } from "commander";
import { exitCodesText } from "./exit-codes";
import type { Request, Shell } from "./requests";
import { addDags } from "./tree-dags";
import { addNotebooks } from "./tree-notebooks";
import { addDeployments, jsonOption, stackOption, type Found } from "./tree-deployments";

type Of<C extends Request["command"]> = Omit<Extract<Request, { command: C }>, "command">;

export const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];

export function commandTree(found: Found): Command {
  const program = new Command("sparklab")
    .description("The Spark MLOps lab, on this machine or on Google Cloud")
    .enablePositionalOptions()
    .configureHelp({ optionDescription: describe })
    .addHelpText("after", exitCodesText());
  addDeployments(program, found);
  addJobs(program, found);
  addNotebooks(program, found);
  addDags(program, found);
  addImages(program, found);
  addInsight(program, found);
  addLab(program, found);
  addSelf(program, found);
  return program;
}

/** What it does and what is taken when it is not said; that a flag is off then, nobody needs to be told. */
function describe({ description, defaultValue, defaultValueDescription }: Option): string {
  if (defaultValue === undefined || defaultValue === false) return description;
  return `${description} (default: ${defaultValueDescription ?? String(defaultValue)})`;
}

const scoringOption = (...choices: string[]) =>
  new Option(
    `--scoring <${choices.join("|")}>`,
    "what scores the customers held out: a batch, or the DAG of the lab's Airflow",
  )
    .choices(choices)
    .default("batch");

function addJobs(program: Command, found: Found): void {
  program
    .command("run")
    .description("run the jobs of the catalogue as batches, each after those that it follows")
    .argument("[jobs...]", "jobs of pyspark/jobs.yaml (default: those of the training pipeline)")
    .addOption(stackOption())
    .option("--pipeline-id <id>", "run or resume this pipeline run (default: a new one, from the time)")
    .option("--model-version <version>", "model to score with (default: this run's, or the newest when it trains none)")
    .option("-q, --quiet", "no driver output", false)
    .action((jobs: string[], given: Omit<Of<"run">, "jobs">) => found({ command: "run", jobs, ...given }));
  program
    .command("train")
    .description("fire the training as Cloud Scheduler does, follow its pipeline, score with what came of it")
    .addOption(stackOption())
    .option("--again", "another run of the day, though the last one went well", false)
    .addOption(scoringOption("batch", "dag", "none"))
    .action((given: Of<"train">) => found({ command: "train", ...given }));
  program
    .command("status")
    .description("what runs, what is deployed, what stays behind")
    .addOption(stackOption())
    .addOption(jsonOption())
    .action((given: Of<"status">) => found({ command: "status", ...given }));
  program
    .command("logs")
    .description("driver output of a batch")
    .argument("[batch]", "batch id (default: the newest)")
    .addOption(stackOption())
    .action((batch: string | undefined, given: { stack: string }) =>
      found({ command: "logs", ...given, ...(batch ? { batch } : {}) }),
    );
}

function addImages(program: Command, found: Found): void {
  program
    .command("image")
    .description("images of this repository")
    .command("build")
    .description("build the images that the stack names, by Cloud Build, unless they are in its registry")
    .argument("[names...]", "scoring-api, spark (default: all that the stack's features need)")
    .addOption(stackOption())
    .action((names: string[], given: { stack: string }) => found({ command: "image", names, ...given }));
}

/** What there is to know about single rows and batches. */
function addInsight(program: Command, found: Found): void {
  program
    .command("lineage")
    .description("where a row comes from: model, batch, data, pipeline job, stack and commit")
    .argument("<id>", "a scored customer, a model's version or a run")
    .addOption(stackOption())
    .addOption(jsonOption())
    .action((id: string, given: { stack: string; json: boolean }) => found({ command: "lineage", id, ...given }));
  program
    .command("batch")
    .description("batches as other tools submit them")
    .command("command")
    .description("the gcloud command that submits the same batch as run does")
    .argument("<job>", "job of pyspark/jobs.yaml")
    .addOption(stackOption())
    .option("--pipeline-id <id>", "pipeline run (default: a new one, from the time)")
    .option("--model-version <version>", "model to score with (default: as run takes it)")
    .action((job: string, given: Omit<Of<"batch">, "job">) => found({ command: "batch", job, ...given }));
}

function addLab(program: Command, found: Found): void {
  program
    .command("env")
    .description('exports that lead every Google client to the loopback cloud: eval "$(npx sparklab env)"')
    .addOption(jsonOption())
    .action((given: Of<"env">) => found({ command: "env", ...given }));
  program
    .command("exec")
    .description("run one command with the variables of env set; the exit code is the command's own")
    .argument("<words...>", "command after --")
    .passThroughOptions()
    .action((words: string[]) => found({ command: "exec", words }));
  program
    .command("start")
    .description("preview, up and train, as npm start does after set-up")
    .option("--data <file>", "a CSV of your own customers")
    .option("--tune", "search through all 27 combinations of settings, not two of them", false)
    .option("--again", "another run of the day, though the last one went well", false)
    .addOption(scoringOption("batch", "dag"))
    .action((given: Of<"start">) => found({ command: "start", ...given }));
  program
    .command("down")
    .description("stop the loopback cloud; its state stays")
    .action(() => found({ command: "down" }));
}

function addSelf(program: Command, found: Found): void {
  program
    .command("profiles")
    .description("what a stack can be made of: the profiles and the features that each switches on")
    .addOption(jsonOption())
    .action((given: Of<"profiles">) => found({ command: "profiles", ...given }));
  program
    .command("doctor")
    .description("look for what is wrong with this lab, and say what mends it; exit code 1 if anything is")
    .option("--fix", "mend what can be mended without losing anything", false)
    .addOption(jsonOption())
    .action((given: Of<"doctor">) => found({ command: "doctor", ...given }));
  program
    .command("completion")
    .description('shell completion: eval "$(npx sparklab completion bash)"')
    .addArgument(new Argument("<shell>", "your shell").choices(SHELLS))
    .action((shell: Shell) => found({ command: "completion", shell }));
  program
    .command("reference")
    .description("these commands as Markdown: npx sparklab reference > docs/cli.md")
    .action(() => found({ command: "reference" }));
}
