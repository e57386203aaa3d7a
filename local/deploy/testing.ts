/**
 * For tests: a small provider whose resources are files of a folder, so that what a deployment did can be looked at
 * from outside; and a lab in a temporary folder to deploy into.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeployEvent, PropertyChange, StepEvent, Summary } from "./events";
import { deploy, drift, type DeployOptions } from "./index";
import type { Instance, Provider, ProviderPackage } from "./provider";
import type { ResourceState } from "./snapshot";
import { exportState } from "./state";
import { nameOf } from "./urn";
import { equal, isAsset, isObject, text, UNKNOWN, type Properties, type Value } from "./values";

const TYPE = "files:index:File";
const PROPERTIES = ["name", "content", "kind", "tags", "data", "secretNote", "fail"];

/**
 * `files:index:File`: `name` is the id and replaces; `kind` replaces and needs the old file gone where the name stays;
 * the rest changes in place. Outputs `path`, `size`, and as `etag` when the file was last written.
 */
export function filesPackage(folder: string): ProviderPackage {
  return {
    tokens: [TYPE, "files:index:read"],
    checkConfig: (config) =>
      Object.keys(config)
        .filter((key) => key !== "mark")
        .map((property) => ({ property, reason: "cannot be used here; can be: mark" })),
    configure: () => new FilesProvider(folder),
  };
}

class FilesProvider implements Provider {
  constructor(private readonly folder: string) {}

  check(_type: string, _urn: string, news: Properties) {
    const unknown = Object.keys(news).filter((key) => !PROPERTIES.includes(key));
    const failures = unknown.map((property) => ({
      property,
      reason: `cannot be deployed here; can be: ${PROPERTIES.join(", ")}`,
    }));
    if (news.name === undefined) failures.push({ property: "name", reason: "got nothing; expected a string" });
    return { inputs: news, failures };
  }

  diff(_type: string, old: Instance, news: Properties) {
    const keys = PROPERTIES.filter((key) => !equal(old.inputs[key], news[key]));
    const changes = keys.map((path): PropertyChange => {
      const kind = old.inputs[path] === undefined ? "add" : news[path] === undefined ? "delete" : "update";
      return { path, kind, old: old.inputs[path], new: news[path], replaces: path === "name" || path === "kind" };
    });
    return { changes, deleteBeforeReplace: changes.some(({ replaces }) => replaces) && old.inputs.name === news.name };
  }

  preview(_type: string, news: Properties, old?: Instance): Properties {
    return { ...(old?.outputs ?? { path: UNKNOWN, size: UNKNOWN, etag: UNKNOWN }), ...news };
  }

  secrets(): readonly string[] {
    return ["secretNote"];
  }

  async create(_type: string, inputs: Properties) {
    if (inputs.fail === "create") throw new Error(`file ${text(inputs.name)}: refused as asked`);
    // Fails if there is one: nothing is made twice.
    writeFileSync(this.path(text(inputs.name)), JSON.stringify(inputs), { flag: "wx" });
    return { id: text(inputs.name), outputs: this.outputs(inputs) };
  }

  async read(_type: string, old: Instance): Promise<Instance | undefined> {
    if (!existsSync(this.path(old.id))) return undefined;
    const inputs = JSON.parse(readFileSync(this.path(old.id), "utf8")) as Properties;
    return { id: old.id, inputs, outputs: this.outputs(inputs) };
  }

  async update(_type: string, old: Instance, news: Properties) {
    if (news.fail === "update") throw new Error(`file ${old.id}: refused as asked`);
    if (!existsSync(this.path(old.id))) throw new Error(`file ${old.id}: is not there to be updated`);
    writeFileSync(this.path(old.id), JSON.stringify(news));
    return { outputs: this.outputs(news) };
  }

  async delete(_type: string, old: Instance): Promise<void> {
    if (existsSync(this.path(old.id))) unlinkSync(this.path(old.id));
  }

  /** As where a service chooses the id: such a file can be searched by its content, unless it says otherwise. */
  locate(_type: string, { name, kind }: Properties): string | undefined {
    return kind === "searched" || kind === "unlocatable" ? undefined : text(name);
  }

  async search(_type: string, { kind, content }: Properties): Promise<readonly string[] | undefined> {
    if (kind === "unlocatable") return undefined;
    return readdirSync(this.folder).filter((name) => {
      const made = JSON.parse(readFileSync(join(this.folder, name), "utf8")) as Properties;
      return made.kind === kind && made.content === content;
    });
  }

  async invoke(_token: string, { name, ...unknown }: Properties) {
    const failures = Object.keys(unknown).map((property) => ({ property, reason: "cannot be used here" }));
    if (name === undefined) throw new Error("read: got no name");
    return { outputs: { content: existsSync(this.path(text(name))) ? "there" : "not there" }, failures };
  }

  private path(name: string): string {
    return join(this.folder, name.replaceAll("/", "_"));
  }

  private outputs(inputs: Properties): Properties {
    const etag = String(statSync(this.path(text(inputs.name))).mtimeMs);
    return { ...inputs, path: `/files/${text(inputs.name)}`, size: JSON.stringify(inputs).length, etag };
  }
}

export interface TestLab {
  /** Lab folder with `stacks/`. */
  folder: string;
  /** Where the files provider keeps its resources. */
  files: string;
  /** Names of the files that exist, sorted. */
  listFiles: () => string[];
  run: (options: Partial<DeployOptions> & Pick<DeployOptions, "operation">) => Promise<TestRun>;
  drift: () => ReturnType<typeof drift>;
  resources: () => Promise<ResourceState[]>;
  close: () => void;
}

export interface TestRun {
  summary: Summary;
  events: DeployEvent[];
  /** `kind name` of every step that ended well, "same" left out, in order; of the update where there was one. */
  steps: string[];
}

/** A lab in a temporary folder for one of the programs in testdata; new, or a copy of another lab. */
export function testLab(program: string, original?: string): TestLab {
  const folder = mkdtempSync(join(tmpdir(), "sparklab-deploy-"));
  const files = join(folder, "files");
  if (original) cpSync(original, folder, { recursive: true });
  mkdirSync(files, { recursive: true });
  const environment = { ...process.env, PULUMI_CONFIG_PASSPHRASE: "test" };
  const common = {
    program: join(__dirname, "testdata", program),
    stack: "test",
    lab: folder,
    environment,
    packages: { files: filesPackage(files) },
  };
  return {
    folder,
    files,
    drift: () => drift(common),
    listFiles: () => readdirSync(files).sort(),
    run: async (options) => {
      const events: DeployEvent[] = [];
      const summary = await deploy({
        ...common,
        onEvent: (event) => events.push(event),
        ...options,
      });
      return { summary, events, steps: stepsOf(events) };
    },
    resources: async () => (await exportState({ folder: join(folder, "stacks"), stack: "test" })).deployment.resources,
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function stepsOf(events: readonly DeployEvent[]): string[] {
  const done = events.filter(
    (event): event is StepEvent => event.type === "step" && event.state === "done" && event.kind !== "same",
  );
  const isUpdated = done.some(({ preview }) => !preview);
  return done.filter(({ preview }) => preview !== isUpdated).map(({ kind, urn }) => `${kind} ${nameOf(urn)}`);
}

/** Every string in a value, to look for what must not be there. */
export const strings = (value: Value): string[] =>
  typeof value === "string"
    ? [value]
    : Array.isArray(value)
      ? value.flatMap(strings)
      : isObject(value) && !isAsset(value)
        ? Object.values(value).flatMap(strings)
        : [];
