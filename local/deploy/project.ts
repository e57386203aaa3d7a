/**
 * A project and one stack's configuration as the Pulumi CLI reads them: Pulumi.yaml with its config declarations,
 * Pulumi.<stack>.yaml with values, plain, structured or `secure`.
 * Source: pulumi.com/docs/iac/concepts/projects/project-file and .../concepts/config.
 */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { allProblems, checked, DeployError } from "./errors";
import type { Crypter } from "./secrets";

const declaration = z.strictObject({
  type: z.enum(["string", "integer", "number", "boolean", "array", "object"]).optional(),
  items: z.unknown().optional(),
  description: z.string().optional(),
  secret: z.boolean().optional(),
  default: z.unknown().optional(),
  value: z.unknown().optional(),
});
type Declaration = z.infer<typeof declaration>;

const projectFile = z.object({
  name: z.string(),
  runtime: z.union([
    z.string(),
    z.strictObject({
      name: z.string(),
      options: z
        .strictObject({
          typescript: z.boolean().optional(),
          nodeargs: z.string().optional(),
          packagemanager: z.string().optional(),
        })
        .optional(),
    }),
  ]),
  main: z.string().optional(),
  config: z.record(z.string(), z.unknown()).optional(),
});
const stackFile = z.object({
  config: z.record(z.string(), z.unknown()).optional(),
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
}

export async function readProject(folder: string): Promise<Project> {
  const root = resolve(folder);
  const file = join(root, "Pulumi.yaml");
  const raw = await read(file);
  if (raw === undefined) throw new DeployError(`${file}: no such file; expected a Pulumi project. pulumi new`);
  const project = checked(projectFile, parse(raw), file);
  const runtime = typeof project.runtime === "string" ? { name: project.runtime, options: undefined } : project.runtime;
  if (runtime.name !== "nodejs")
    throw new DeployError(`${file}: runtime: got ${runtime.name}; only nodejs can be deployed here`);
  return {
    name: project.name,
    root,
    main: project.main,
    nodeArguments: (runtime.options?.nodeargs ?? "").split(/\s+/).filter((argument) => argument !== ""),
    typescript: runtime.options?.typescript ?? true,
    declarations: project.config ?? {},
  };
}

/** The salt that `secure` values of the stack file are sealed with, if it has any. */
export async function stackSalt(project: Project, stack: string): Promise<string | undefined> {
  return (await readStackFile(project, stack)).encryptionsalt;
}

export interface ConfigOptions {
  /** Asked for only if the file holds secure values. */
  crypter: () => Promise<Crypter>;
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
  const file = await readStackFile(project, stack);
  const config: StackConfig = { values: {}, secretKeys: [] };
  const raw = new Map<string, unknown>();
  for (const [key, value] of Object.entries(file.config ?? {})) {
    const name = key.includes(":") ? key : `${project.name}:${key}`;
    const opened = await openSecure(value, crypter);
    raw.set(name, opened.value);
    if (opened.secret) config.secretKeys.push(name);
  }
  for (const [key, value] of Object.entries(overrides))
    raw.set(key.includes(":") ? key : `${project.name}:${key}`, value);
  const problems = applyDeclarations(project, stack, raw, config.secretKeys);
  if (complete && problems.length > 0) throw allProblems(`Configuration of stack "${stack}"`, problems);
  for (const [key, value] of raw) config.values[key] = typeof value === "string" ? value : JSON.stringify(value);
  return config;
}

function applyDeclarations(project: Project, stack: string, raw: Map<string, unknown>, secretKeys: string[]): string[] {
  const problems: string[] = [];
  for (const [key, value] of Object.entries(project.declarations)) {
    const name = key.includes(":") ? key : `${project.name}:${key}`;
    const isDeclaration = typeof value === "object" && value !== null && !Array.isArray(value);
    const declared: Declaration = isDeclaration
      ? checked(declaration, value, `Pulumi.yaml: config.${key}`)
      : { default: value };
    if (!raw.has(name)) {
      const fallback = declared.value ?? declared.default;
      if (fallback !== undefined) raw.set(name, fallback);
      else
        problems.push(
          `${name}: got nothing; expected ${declared.type ?? "a value"}. pulumi config set ${name} <value> -s ${stack}`,
        );
    }
    const problem = raw.has(name) ? mismatch(raw.get(name), declared.type, declared.items) : undefined;
    if (problem) problems.push(`${name}: ${problem}. pulumi config set ${name} <value> -s ${stack}`);
    if (declared.secret && !secretKeys.includes(name)) secretKeys.push(name);
  }
  return problems;
}

/** The CLI's leniency: scalars may be written as strings. */
function mismatch(given: unknown, type: string | undefined, items: unknown): string | undefined {
  const value = type === "array" || type === "object" ? structured(given) : given;
  const wrong = (expected: string) => `got ${JSON.stringify(value)}; expected ${expected}`;
  switch (type) {
    case undefined:
      return undefined;
    case "string":
      return typeof value === "object" ? wrong("a string") : undefined;
    case "integer":
      return Number.isInteger(Number(value)) && typeof value !== "object" && value !== ""
        ? undefined
        : wrong("an integer");
    case "number":
      return Number.isNaN(Number(value)) || typeof value === "object" || value === "" ? wrong("a number") : undefined;
    case "boolean":
      return ["true", "false"].includes(String(value)) ? undefined : wrong("true or false");
    case "array": {
      if (!Array.isArray(value)) return wrong("a list");
      const inner = items as { type?: string; items?: unknown } | undefined;
      return value.map((item) => mismatch(item, inner?.type, inner?.items)).find((problem) => problem !== undefined);
    }
    default:
      return typeof value === "object" && value !== null && !Array.isArray(value) ? undefined : wrong("a mapping");
  }
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

/** Opens `secure` at any depth; a structured value with a secret inside is secret as a whole. */
async function openSecure(
  value: unknown,
  crypter: () => Promise<Crypter>,
): Promise<{ value: unknown; secret: boolean }> {
  if (typeof value !== "object" || value === null) return { value, secret: false };
  if (Array.isArray(value)) {
    const items = await Promise.all(value.map((item) => openSecure(item, crypter)));
    return { value: items.map((item) => item.value), secret: items.some((item) => item.secret) };
  }
  const keys = Object.keys(value);
  const sealed = (value as { secure?: unknown }).secure;
  if (keys.length === 1 && typeof sealed === "string")
    return { value: (await crypter()).decrypt(sealed), secret: true };
  const entries = await Promise.all(
    Object.entries(value).map(async ([key, item]) => [key, await openSecure(item, crypter)] as const),
  );
  return {
    value: Object.fromEntries(entries.map(([key, item]) => [key, item.value])),
    secret: entries.some(([, item]) => item.secret),
  };
}

async function readStackFile(project: Project, stack: string): Promise<z.infer<typeof stackFile>> {
  if (!/^[\w.-]+$/.test(stack)) throw new DeployError(`stack: got "${stack}"; expected letters, digits, _, - and .`);
  const file = join(project.root, `Pulumi.${stack}.yaml`);
  const raw = await read(file);
  const content = checked(stackFile, raw === undefined ? {} : (parse(raw) ?? {}), file);
  if (content.environment !== undefined)
    throw new DeployError(
      `${file}: environment: Pulumi ESC environments cannot be used here. Write the values under config.`,
    );
  if (content.secretsprovider !== undefined && content.secretsprovider !== "passphrase")
    throw new DeployError(`${file}: secretsprovider: got ${content.secretsprovider}; only passphrase can be used here`);
  return content;
}

async function read(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}
