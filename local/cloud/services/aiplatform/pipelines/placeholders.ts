/**
 * Placeholders of a compiled pipeline: `{{$.inputs.parameters['x']}}` and its kin in constants, commands and arguments,
 * and the structures `Concat` and `IfPresent`, which stand in arguments as JSON text.
 */
import { isObject, textOf } from "../../../json";
import type { Json, JsonObject } from "../../../service";
import type { Values } from "./run";

/** What placeholders can name. Commands have all of it, constants no `outputs`. */
export interface Scope {
  inputs: Values;
  /** Facts of job and task by placeholder, as `pipeline_job_name`. */
  facts: Readonly<Record<string, string>>;
  /** kfp's ExecutorInput: what `{{$}}` stands for. */
  executorInput?: JsonObject;
  /** The file that `.path` of an artifact's URI means. */
  localPath?: (uri: string) => string;
}

const PLACEHOLDER = /\{\{\$((?:[^{}'"]|'[^']*'|"[^"]*")*)\}\}/g;
const MEMBER = /^\.(inputs|outputs)\.(parameters|artifacts)\[['"]([^'"]+)['"]\](.*)$/;
const METADATA = /^\.metadata\[['"]([^'"]+)['"]\]$/;

/** The facts that a run knows; a placeholder for another one is refused before the run starts. */
export const FACTS = [
  "pipeline_job_name",
  "pipeline_job_resource_name",
  "pipeline_job_uuid",
  "pipeline_job_create_time_utc",
  "pipeline_job_schedule_time_utc",
  "pipeline_task_name",
  "pipeline_task_uuid",
  "pipeline_root",
  "pipeline_google_cloud_project_id",
  "pipeline_google_cloud_location",
  "pipeline_service_account",
] as const;

/** Placeholders in a text that nothing stands for. */
export function unknownPlaceholders(text: string): string[] {
  const found = [...text.matchAll(PLACEHOLDER)].filter(([, body = ""]) => body !== "" && !isKnown(body));
  return found.map(([whole]) => whole);
}

function isKnown(body: string): boolean {
  if ((FACTS as readonly string[]).includes(body.slice(1))) return true;
  const member = MEMBER.exec(body);
  if (!member) return false;
  const [, side, kind, , rest = ""] = member;
  if (kind === "parameters") return rest === (side === "inputs" ? "" : ".output_file");
  return rest === ".uri" || rest === ".path" || (side === "inputs" && METADATA.test(rest));
}

/** A constant with its placeholders filled in. One that is nothing but a placeholder keeps the value's type. */
export function fillConstant(value: Json, scope: Scope): Json {
  if (Array.isArray(value)) return value.map((item) => fillConstant(item, scope));
  if (isObject(value)) {
    const entries = Object.entries(value).map(([key, item]) => [key, fillConstant(item, scope)] as const);
    return Object.fromEntries(entries);
  }
  if (typeof value !== "string") return value;
  const [whole] = value.matchAll(PLACEHOLDER);
  if (whole && whole[0] === value) return valueOf(whole[1] ?? "", scope) ?? null;
  return fillText(value, scope);
}

const fillText = (text: string, scope: Scope) =>
  text.replace(PLACEHOLDER, (_, body: string) => textOf(valueOf(body, scope)));

/** One argument of a command: none, one or several words. */
export function fillArgument(argument: string, scope: Scope): string[] {
  const structure = structureOf(argument);
  return structure === undefined ? [fillText(argument, scope)] : fillStructure(structure, scope);
}

/** `Concat` or `IfPresent` in an argument; undefined if it is plain text. */
export function structureOf(argument: string): JsonObject | undefined {
  if (!/^\s*\{\s*"(Concat|IfPresent)"\s*:/.test(argument)) return undefined;
  const parsed = JSON.parse(argument) as Json;
  return isObject(parsed) ? parsed : undefined;
}

function fillStructure(part: Json, scope: Scope): string[] {
  if (Array.isArray(part)) return part.flatMap((item) => fillStructure(item, scope));
  if (!isObject(part)) return fillArgument(textOf(part), scope);
  if (Array.isArray(part.Concat)) return [part.Concat.flatMap((item) => fillStructure(item, scope)).join("")];
  const { InputName, Then, Else } = part.IfPresent as JsonObject;
  const { parameters, artifacts } = scope.inputs;
  const isPresent = parameters[textOf(InputName)] !== undefined || artifacts[textOf(InputName)] !== undefined;
  return fillStructure((isPresent ? Then : Else) ?? [], scope);
}

function valueOf(body: string, scope: Scope): Json | undefined {
  if (body === "") return JSON.stringify(scope.executorInput ?? {});
  const member = MEMBER.exec(body);
  if (!member) return scope.facts[body.slice(1)];
  const [, side, kind, name = "", rest = ""] = member;
  if (kind === "parameters") {
    return side === "inputs" ? scope.inputs.parameters[name] : outputAt(scope, "parameters", name).outputFile;
  }
  const artifact =
    side === "inputs"
      ? scope.inputs.artifacts[name]?.[0]
      : ((outputAt(scope, "artifacts", name).artifacts as JsonObject[] | undefined) ?? [])[0];
  if (!artifact) return undefined;
  const metadata = METADATA.exec(rest);
  if (metadata) return (artifact.metadata as JsonObject)[metadata[1] ?? ""];
  return rest === ".path" ? scope.localPath?.(textOf(artifact.uri)) : artifact.uri;
}

function outputAt({ executorInput = {} }: Scope, kind: string, name: string): JsonObject {
  const { outputs = {} } = executorInput;
  return ((outputs as JsonObject)[kind] as Record<string, JsonObject> | undefined)?.[name] ?? {};
}
