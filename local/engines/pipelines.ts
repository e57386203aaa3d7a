/**
 * Runs containers of pipelines as processes of the prepared environment: a Python step by kfp's own executor, a Google
 * component by its own launcher from the package that its image is made of. Other images are refused by name.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { doorVariables } from "./door-variables";
import type { PipelineContainer, PipelineEngine, PipelineResult, PipelineStep } from "./interface";
import { canonical, installedPackages } from "./python-packages";
import { attach, start } from "./spark-process";
import { searchPath } from "./spark-archive";
import type { Tools } from "./tools";

const STEP = join(__dirname, "pipeline_step.py");
const COMPONENTS_IMAGE = /^gcr\.io\/ml-pipeline\/google-cloud-pipeline-components:/;
const COMPONENTS_MODULE = /^google_cloud_pipeline_components\.container(\.[a-z0-9_]+)+$/;
const EXECUTOR = "kfp.dsl.executor_main";
/** What the environment stands for: its Python, and Google's packages, which are in the components' own image. */
const PYTHON_IMAGE = /^(python:3\.11(\.\d+)?(-slim)?|gcr\.io\/ml-pipeline\/google-cloud-pipeline-components:.+)$/;

/** What a container is, once it is known to be one that can be run. */
interface Program {
  module: string;
  /** Words of the command that stand before the container's arguments. */
  leading: readonly string[];
  /** Source of a Python step, which comes in its command. */
  source?: string;
}

export function createPipelineEngine(tools: Tools): PipelineEngine {
  return {
    problems: (container) => problems(container, tools.python.pipelines),
    run: (step) => run(step, tools),
    attach,
    layout: (folder) => ({
      local: join(folder, "gcs"),
      outputFile: layout(folder).outputFile,
      output: layout(folder).log,
    }),
    result,
  };
}

const layout = (folder: string) => ({
  step: join(folder, "step.json"),
  source: join(folder, "component.py"),
  home: join(folder, "home"),
  temporary: join(folder, "tmp"),
  work: join(folder, "work"),
  outputFile: join(folder, "outputs", "executor_output.json"),
  result: join(folder, "result.json"),
  log: join(folder, "output"),
});

function problems(container: PipelineContainer, interpreter: string): string[] {
  const program = programOf(container);
  if (typeof program === "string") return [program];
  // Installed late; whether its packages fit shows when it is there.
  if (!existsSync(interpreter))
    return [
      `the pipelines' environment ${interpreter} is not there yet. Run \`npm start\`: it prepares what is missing.`,
    ];
  return packageProblems(container.command ?? [], interpreter);
}

function programOf({ image, command = [], args = [] }: PipelineContainer): Program | string {
  const source = command.at(-1) ?? "";
  const isPythonStep =
    command.slice(0, -1).some((word) => word.includes(EXECUTOR)) && args.includes("--executor_input");
  if (isPythonStep)
    return PYTHON_IMAGE.test(image)
      ? { module: EXECUTOR, leading: [], source }
      : `image ${image} is not run here; expected python:3.11 or that of Google's components for a Python component.`;
  const module = command[command.indexOf("-m") + 1] ?? "";
  if (COMPONENTS_IMAGE.test(image)) {
    return COMPONENTS_MODULE.test(module)
      ? { module, leading: command.slice(command.indexOf("-m") + 2) }
      : `image ${image}: got command '${command.join(" ")}'; expected python3 -m google_cloud_pipeline_components.container...`;
  }
  return `image ${image} is not run here; expected a Python component of kfp or a Google Cloud pipeline component.`;
}

/** What a Python step would install must be in the environment, in the version that it asks for. */
function packageProblems(command: readonly string[], interpreter: string): string[] {
  const install = /pip install ([^&\n]*)&&/.exec(command.join("\n"))?.[1] ?? "";
  const asked = [...install.matchAll(/'([^']+)'/g)].map(([, word = ""]) => word).filter((word) => !/^-|;/.test(word));
  if (asked.length === 0) return [];
  const installed = installedPackages(interpreter);
  return asked.flatMap((requirement) => {
    const [, name = "", version] = /^([\w.-]+)(?:\[[^\]]*\])?(?:==([\w.]+))?/.exec(requirement) ?? [];
    const found = installed.get(canonical(name));
    if (found !== undefined && (version === undefined || version === found)) return [];
    return [
      `package ${requirement}: got ${found ?? "none"} in the pipelines' environment; steps install nothing here.`,
    ];
  });
}

async function run(step: PipelineStep, tools: Tools) {
  const program = programOf(step.container);
  if (typeof program === "string") throw new Error(program);
  const at = layout(step.folder);
  for (const folder of [at.home, at.temporary, at.work, dirname(at.outputFile)]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const { module, leading, source } = program;
  if (source !== undefined) await writeFile(at.source, source, { mode: 0o600 });
  const args = [...leading, ...(source === undefined ? [] : ["--component_module_path", at.source]), ...step.args];
  const description = { module, args, executorInput: step.executorInput };
  await writeFile(at.step, JSON.stringify(description), { mode: 0o600 });
  return start({
    python: tools.python.pipelines,
    folder: step.folder,
    argv: [tools.python.pipelines, "-u", STEP, step.folder],
    environment: environment(step),
    workingFolder: at.work,
    output: at.log,
  });
}

/** Only what a step needs: nothing of the environment of whoever started the cloud reaches it. */
function environment({ door, folder, metadataHost, labels, container }: PipelineStep): Record<string, string> {
  const { home, temporary } = layout(folder);
  return {
    ...Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value])),
    PATH: searchPath(),
    HOME: home,
    TMPDIR: temporary,
    LANG: "C.UTF-8",
    TZ: "UTC",
    ...doorVariables(door, metadataHost),
    CLOUD_ML_PROJECT_ID: door.project,
    VERTEX_AI_PIPELINES_RUN_LABELS: JSON.stringify(labels),
  };
}

/** Written by the step when it has succeeded; undefined if it has not. */
async function result(folder: string): Promise<PipelineResult | undefined> {
  try {
    return JSON.parse(await readFile(layout(folder).result, "utf8")) as PipelineResult;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
