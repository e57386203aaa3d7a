/**
 * The Google Cloud provider: one generic engine over the descriptors of the resource types. It behaves as the official
 * provider does where a program or a state file can see it, and knows nothing of where its requests lead.
 */
import { randomBytes } from "node:crypto";
import { contentOf, hashedBytes } from "../assets";
import { DeployError } from "../errors";
import type { CheckFailure, Diff, Instance, Invoked, Provider, ProviderPackage } from "../provider";
import { nameOf } from "../urn";
import { isUnknown, parsePath, type Properties, text, UNKNOWN } from "../values";
import type { Context, Descriptor, FunctionDescriptor, Inputs } from "./descriptor";
import { googleHttp, type GoogleHttp } from "./http";
import { DEFAULTS, validate, withDefaults, type Shape } from "./shape";
import { compare, effective, project } from "./shape-changes";
import { addedLabels, echo, foreseen, outputsOf, readable, shapeOf, withLabels } from "./outputs";
import { DESCRIPTORS } from "./descriptors";
import { FUNCTIONS } from "./projects";

const BY_TYPE = new Map(DESCRIPTORS.map((descriptor) => [descriptor.type, descriptor]));
const BY_TOKEN = new Map(FUNCTIONS.map((descriptor: FunctionDescriptor) => [descriptor.token, descriptor]));

/** Provider settings that are understood; skipRegionValidation concerns a call that is not made here. */
const CONFIG: ReadonlySet<string> = new Set([
  "project",
  "region",
  "zone",
  "skipRegionValidation",
  "disableGlobalProjectWarning",
]);

/** @param http how requests are made; each configured provider makes its own. */
export function gcpPackage(environment: NodeJS.ProcessEnv, http = googleHttp): ProviderPackage {
  return {
    tokens: [...BY_TYPE.keys(), ...BY_TOKEN.keys()],
    checkConfig: (config) => checkConfig(config, environment),
    configure: (config, root) => new GcpProvider(makeContext(config, root, environment, http(environment))),
  };
}

function checkConfig(config: Properties, environment: NodeJS.ProcessEnv): CheckFailure[] {
  const unknown = Object.keys(config).filter((key) => !CONFIG.has(key));
  const failures = unknown.map((key) => ({
    property: key,
    reason: `cannot be used here; can be: ${[...CONFIG].sort().join(", ")}`,
  }));
  if (!projectOf(config, environment))
    failures.push({
      property: "project",
      reason: "got nothing; expected a project id. pulumi config set gcp:project <id>",
    });
  return failures;
}

/** Source: Config in provider/resources.go of github.com/pulumi/pulumi-gcp. */
function projectOf(config: Properties, environment: NodeJS.ProcessEnv): string {
  const { GOOGLE_PROJECT, GOOGLE_CLOUD_PROJECT, GCLOUD_PROJECT, CLOUDSDK_CORE_PROJECT } = environment;
  return text(
    config.project ?? GOOGLE_PROJECT ?? GOOGLE_CLOUD_PROJECT ?? GCLOUD_PROJECT ?? CLOUDSDK_CORE_PROJECT ?? "",
  );
}

function makeContext(config: Properties, root: string, environment: NodeJS.ProcessEnv, http: GoogleHttp): Context {
  const queues = new Map<string, Promise<unknown>>();
  return {
    http,
    project: projectOf(config, environment),
    region: text(
      config.region ??
        environment.GOOGLE_REGION ??
        environment.GCLOUD_REGION ??
        environment.CLOUDSDK_COMPUTE_REGION ??
        "",
    ),
    content: (asset) => contentOf(asset, root),
    hashedBytes: (asset) => hashedBytes(asset, root),
    exclusive: (key, work) => {
      const turn = (queues.get(key) ?? Promise.resolve()).then(work, work);
      queues.set(key, turn);
      return turn;
    },
  };
}

class GcpProvider implements Provider {
  constructor(private readonly context: Context) {}

  check(type: string, urn: string, news: Properties, olds: Properties | undefined) {
    const descriptor = find(type);
    const inputs = withDefaults(shapeOf(descriptor), news);
    this.addName(descriptor, urn, inputs, olds);
    const failures = [...validate(shapeOf(descriptor), inputs), ...(descriptor.check?.(inputs) ?? [])];
    return { inputs, failures };
  }

  diff(type: string, old: Instance, news: Properties): Diff {
    const descriptor = find(type);
    const shape = shapeOf(descriptor);
    const [before, after] = [effective(shape, old.inputs), effective(shape, news)];
    const forced = new Set(descriptor.replaces?.(before, after) ?? []);
    const isForced = (path: string) => !descriptor.update || forced.has(text(parsePath(path)[0]));
    const changes = compare(shape, before, after).map((change) =>
      isForced(change.path) && !isLocal(shape, change.path) ? { ...change, replaces: true } : change,
    );
    if (changes.length === 0) changes.push(...(descriptor.drift?.(this.context, after, old.outputs) ?? []));
    return {
      changes,
      deleteBeforeReplace: changes.some(({ replaces }) => replaces) && needsDeletionFirst(descriptor, old.inputs, news),
    };
  }

  preview(type: string, news: Properties, old?: Instance): Properties {
    const descriptor = find(type);
    const inputs = this.inputs(news);
    const unknown = Object.fromEntries(Object.keys(descriptor.outputs).map((name) => [name, UNKNOWN]));
    const known = old?.outputs ?? { ...unknown, ...addedLabels(descriptor, inputs) };
    return {
      ...known,
      ...foreseen(shapeOf(descriptor), echo(descriptor, inputs), old?.outputs),
      ...(descriptor.planned && !isUnknownProject(inputs) ? descriptor.planned(inputs) : {}),
    };
  }

  secrets(type: string): readonly string[] {
    return find(type).secrets ?? [];
  }

  async create(type: string, inputs: Properties, options: { timeout?: number }) {
    const descriptor = find(type);
    const full = this.inputs(inputs);
    const resource = await descriptor.create(this.context, withLabels(descriptor, full), options);
    const id = descriptor.idOf?.(resource, full) ?? descriptor.id(full);
    return { id, outputs: outputsOf(descriptor, full, resource) };
  }

  async read(type: string, old: Instance) {
    const descriptor = find(type);
    const full = this.inputs(old.inputs);
    const resource = await descriptor.read(this.context, full, old.outputs, old.id);
    if (!resource) return undefined;
    const outputs = outputsOf(descriptor, full, resource);
    return {
      id: descriptor.idOf ? old.id : descriptor.id(full),
      outputs,
      inputs: project(shapeOf(descriptor), old.inputs, readable(descriptor, outputs)),
    };
  }

  async update(type: string, old: Instance, news: Properties, options: { timeout?: number }) {
    const descriptor = find(type);
    const full = this.inputs(news);
    const { changes } = this.diff(type, old, news);
    const isRemote = changes.some(({ path }) => !isLocal(shapeOf(descriptor), path));
    if (!isRemote || !descriptor.update) return { outputs: { ...old.outputs, ...echo(descriptor, full) } };
    const change = {
      news: withLabels(descriptor, full),
      olds: this.inputs(old.inputs),
      outputs: old.outputs,
      id: old.id,
      changes,
    };
    return { outputs: outputsOf(descriptor, full, await descriptor.update(this.context, change, options)) };
  }

  async delete(type: string, old: Instance, options: { timeout?: number }): Promise<void> {
    const descriptor = find(type);
    const inputs = this.inputs(effective(shapeOf(descriptor), old.inputs));
    if (inputs.deletionPolicy === "ABANDON") return;
    const refusal =
      inputs.deletionPolicy === "PREVENT"
        ? "deletionPolicy is PREVENT. Set it to DELETE and run up first."
        : descriptor.refuseDelete?.(inputs);
    if (refusal) throw new DeployError(`${old.id}: ${refusal}`);
    await descriptor.delete(this.context, inputs, old.outputs, options, old.id);
  }

  locate(type: string, inputs: Properties): string | undefined {
    const { id, idOf } = find(type);
    return idOf ? undefined : id(this.inputs(inputs));
  }

  async search(type: string, inputs: Properties): Promise<readonly string[] | undefined> {
    const descriptor = find(type);
    if (!descriptor.made || !descriptor.idOf) return undefined;
    const full = this.inputs(inputs);
    const isAsAsked = (resource: Properties) => {
      const outputs = outputsOf(descriptor, full, resource);
      const read = project(shapeOf(descriptor), inputs, readable(descriptor, outputs));
      return this.diff(type, { id: "", inputs: read, outputs }, inputs).changes.length === 0;
    };
    const found = await descriptor.made(this.context, full);
    return found?.filter(isAsAsked).map((resource) => descriptor.idOf!(resource, full));
  }

  async invoke(token: string, args: Properties): Promise<Invoked> {
    const descriptor = BY_TOKEN.get(token);
    if (!descriptor)
      throw new DeployError(`${token}: cannot be invoked here; can be: ${[...BY_TOKEN.keys()].join(", ")}`);
    const unknown = Object.keys(args).filter((property) => !descriptor.args.includes(property));
    const reason = `cannot be used here; can be: ${descriptor.args.join(", ")}`;
    const failures = unknown.map((property) => ({ property, reason }));
    return { failures, outputs: failures.length > 0 ? {} : await descriptor.invoke(this.context, args) };
  }

  private inputs(inputs: Properties): Inputs {
    return { ...inputs, project: text(inputs.project ?? this.context.project) };
  }

  /** The official provider's automatic name: the resource's own and 7 random hexadecimal digits, kept once drawn. */
  private addName({ autoName }: Descriptor, urn: string, inputs: Properties, olds: Properties | undefined): void {
    if (!autoName || inputs[autoName.property] !== undefined) return;
    const drawn =
      Array.isArray(olds?.[DEFAULTS]) && olds[DEFAULTS].includes(autoName.property)
        ? olds[autoName.property]
        : undefined;
    inputs[autoName.property] =
      drawn ?? `${nameOf(urn).slice(0, autoName.length - 8)}-${randomBytes(4).toString("hex").slice(0, 7)}`;
    inputs[DEFAULTS] = [...(inputs[DEFAULTS] as string[]), autoName.property].sort();
  }
}

function find(type: string): Descriptor {
  const descriptor = BY_TYPE.get(type);
  if (!descriptor)
    throw new DeployError(`${type}: cannot be deployed here; can be: ${[...BY_TYPE.keys()].sort().join(", ")}`);
  return descriptor;
}

const isLocal = (shape: Shape, path: string) => shape[text(parsePath(path)[0])]?.local === true;

/** Source: nameRequiresDeleteBeforeReplace in pkg/tfbridge of github.com/pulumi/pulumi-terraform-bridge. */
function needsDeletionFirst(
  { autoName, deleteBeforeReplace }: Descriptor,
  olds: Properties,
  news: Properties,
): boolean {
  if (deleteBeforeReplace) return true;
  if (!autoName) return false;
  const isDrawn = Array.isArray(news[DEFAULTS]) && news[DEFAULTS].includes(autoName.property);
  return !isDrawn && olds[autoName.property] === news[autoName.property];
}

const isUnknownProject = (inputs: Inputs) => isUnknown(inputs.project);
