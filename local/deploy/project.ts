/**
 * A project and one stack's configuration as the Pulumi CLI reads them: Pulumi.yaml with its config declarations,
 * Pulumi.<stack>.yaml with values, plain, structured or `secure`.
 * Source: pulumi.com/docs/iac/concepts/projects/project-file and .../concepts/config.
 */
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { allProblems, checked, DeployError } from "./errors";
import type { Crypter } from "./secrets";
import { readIfThere } from "./state-files";

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isNumber = (value: unknown) => typeof value !== "object" && value !== "" && !Number.isNaN(Number(value));

/** The types of declarations, in words, and what is of them: scalars may be written as strings, as the CLI has it. */
const TYPES = {
  string: ["a string", (value: unknown) => typeof value !== "object"],
  integer: ["an integer", (value: unknown) => isNumber(value) && Number.isInteger(Number(value))],
  number: ["a number", isNumber],
  boolean: ["true or false", (value: unknown) => ["true", "false"].includes(String(value))],
  array: ["a list", Array.isArray],
  object: ["a mapping", isMapping],
} as const;

interface Typed {
  type?: keyof typeof TYPES;
  items?: Typed;
}
const typed = {
  type: z.enum(Object.keys(TYPES) as (keyof typeof TYPES)[]).optional(),
  items: z.lazy((): z.ZodType<Typed> => z.strictObject(typed)).optional(),
};
const declaration = z.strictObject({
  ...typed,
  description: z.string().optional(),
  secret: z.boolean().optional(),
  default: z.unknown().optional(),
  value: z.unknown().optional(),
});

const options = z.strictObject({
  typescript: z.boolean().default(true),
  nodeargs: z.string().default(""),
  packagemanager: z.string().optional(),
});
const projectFile = z.object({
  name: z.string(),
  runtime: z.union([
    z.string().transform((name) => ({ name, options: options.parse({}) })),
    z.strictObject({ name: z.string(), options: options.prefault({}) }),
  ]),
  main: z.string().optional(),
  config: z.record(z.string(), z.unknown()).default({}),
});
const stackFile = z.object({
  config: z.record(z.string(), z.unknown()).default({}),
  encryptionsalt: z.string().optional(),
  secretsprovider: z.string().optional(),
  environment: z.unknown().optional(),
});

export interface Project {
  name: string;
  /** Folder of Pulumi.yaml. */
  root: string;
  main?: string;
  /** Arguments of node itself, from `nodeargs`. */
  nodeArguments: string[];
  typescript: boolean;
  declarations: Record<string, unknown>;
}

export interface StackConfig {
  /** `namespace:key` to its value as a string; structured values are JSON. */
  values: Record<string, string>;
  secretKeys: string[];
  /** That `secure` values of the stack file are sealed with, if it has any. */
  salt?: string;
}

export async function readProject(folder: string): Promise<Project> {
  const root = resolve(folder);
  const file = join(root, "Pulumi.yaml");
  const raw = await readIfThere(file);
  if (raw === undefined) throw new DeployError(`${file}: no such file; expected a Pulumi project. pulumi new`);
  const { name, runtime, main, config } = checked(projectFile, parse(raw), file);
  if (runtime.name !== "nodejs")
    throw new DeployError(`${file}: runtime: got ${runtime.name}; only nodejs can be deployed here`);
  const { typescript, nodeargs } = runtime.options;
  const nodeArguments = nodeargs.split(/\s+/).filter((argument) => argument !== "");
  return { name, root, main, nodeArguments, typescript, declarations: config };
}

export interface ConfigOptions {
  /** Asked for only if the file holds secure values. */
  crypter: (salt: string | undefined) => Promise<Crypter>;
  /** Values that go before the file's. */
  overrides: Readonly<Record<string, string>>;
  /** Whether a program will read it, so that everything declared must be there. */
  complete: boolean;
}

export async function readStackConfig(
  project: Project,
  stack: string,
  { crypter, overrides, complete }: ConfigOptions,
): Promise<StackConfig> {
  const { config, encryptionsalt: salt } = await readStackFile(project, stack);
  const raw = new Map<string, unknown>();
  const secretKeys = new Set<string>();
  for (const [key, value] of Object.entries(config)) {
    const name = fullName(project, key);
    const open = async (sealed: string) => {
      secretKeys.add(name);
      return (await crypter(salt)).decrypt(sealed);
    };
    raw.set(name, await openSecure(value, open));
  }
  for (const [key, value] of Object.entries(overrides)) raw.set(fullName(project, key), value);
  const problems = applyDeclarations(project, raw, secretKeys);
  if (complete && problems.size > 0) {
    const told = [...problems].map(
      ([key, problem]) => `${key}: ${problem}. pulumi config set ${key} <value> -s ${stack}`,
    );
    throw allProblems(`Configuration of stack "${stack}"`, told);
  }
  const values = [...raw].map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]);
  return { values: Object.fromEntries(values) as StackConfig["values"], secretKeys: [...secretKeys], salt };
}

const fullName = (project: Project, key: string) => (key.includes(":") ? key : `${project.name}:${key}`);

/** Adds what is declared. Answers what is wrong with each key. */
function applyDeclarations(project: Project, raw: Map<string, unknown>, secretKeys: Set<string>): Map<string, string> {
  const problems = new Map<string, string>();
  for (const [key, value] of Object.entries(project.declarations)) {
    const name = fullName(project, key);
    const declared: z.infer<typeof declaration> = isMapping(value)
      ? checked(declaration, value, `Pulumi.yaml: config.${key}`)
      : { default: value };
    const fallback = declared.value ?? declared.default;
    if (!raw.has(name) && fallback !== undefined) raw.set(name, fallback);
    const missing = `got nothing; expected ${declared.type ?? "a value"}`;
    const problem = raw.has(name) ? mismatch(raw.get(name), declared) : missing;
    if (problem) problems.set(name, problem);
    if (declared.secret) secretKeys.add(name);
  }
  return problems;
}

function mismatch(given: unknown, { type, items = {} }: Typed): string | undefined {
  if (!type) return undefined;
  const value = type === "array" || type === "object" ? structured(given) : given;
  const [name, isRight] = TYPES[type];
  if (!isRight(value)) return `got ${JSON.stringify(value)}; expected ${name}`;
  if (!Array.isArray(value)) return undefined;
  return value.map((item) => mismatch(item, items)).find((problem) => problem !== undefined);
}

/** A list or mapping that was given as text, as on a command line, is JSON. */
function structured(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value; // Not JSON, so that it is refused with the text that was given.
  }
}

/** The value with each `secure` in it opened, at any depth. */
async function openSecure(value: unknown, open: (sealed: string) => Promise<string>): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((item) => openSecure(item, open)));
  if (!isMapping(value)) return value;
  const { secure, ...more } = value;
  if (typeof secure === "string" && Object.keys(more).length === 0) return open(secure);
  const entries = Object.entries(value).map(async ([key, item]) => [key, await openSecure(item, open)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function readStackFile(project: Project, stack: string): Promise<z.infer<typeof stackFile>> {
  if (!/^[\w.-]+$/.test(stack)) throw new DeployError(`stack: got "${stack}"; expected letters, digits, _, - and .`);
  const file = join(project.root, `Pulumi.${stack}.yaml`);
  const content = checked(stackFile, parse((await readIfThere(file)) ?? "") ?? {}, file);
  if (content.environment !== undefined)
    throw new DeployError(
      `${file}: environment: Pulumi ESC environments cannot be used here. Write the values under config.`,
    );
  if (content.secretsprovider !== undefined && content.secretsprovider !== "passphrase")
    throw new DeployError(`${file}: secretsprovider: got ${content.secretsprovider}; only passphrase can be used here`);
  return content;
}
