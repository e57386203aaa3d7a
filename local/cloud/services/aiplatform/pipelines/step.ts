/** What a container task is given and what it gave: kfp's ExecutorInput, its arguments, its outputs. Pure. */
import { createHash } from "node:crypto";
import type { PipelineContainer, PipelineResult } from "../../../../engines/interface";
import type { Json, JsonObject } from "../../../service";
import { fillArgument, type Scope } from "./placeholders";
import type { Artifact, Task, Values } from "./run";
import type { Component, ParameterDefinition } from "./spec";

/** Where a step's files lie on this machine. */
export interface StepPlaces {
  /** Folder that stands for all buckets. */
  local: string;
  outputFile: string;
}

/** A task's own number, as Vertex AI gives one; the same for the same task of the same run. */
export function taskId(uid: string, path: string): string {
  return (createHash("sha256").update(`${uid}/${path}`).digest().readBigUInt64BE() >> 1n).toString();
}

/** @param root folder of the task below the pipeline root, `gs://...` */
export function executorInput(
  task: Task,
  { inputDefinitions = {}, outputDefinitions = {} }: Component,
  root: string,
  places: StepPlaces,
): JsonObject {
  const declared = <T>(values: Record<string, T>, definitions: object = {}) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(definitions, name)));
  const artifacts = Object.entries(declared(task.inputs.artifacts, inputDefinitions.artifacts));
  const folder = places.outputFile.slice(0, places.outputFile.lastIndexOf("/"));
  const made = (name: string, type: JsonObject) => ({
    artifacts: [{ name, uri: `${root}/${name}`, type, metadata: {} }],
  });
  return {
    inputs: {
      parameterValues: declared(task.inputs.parameters, inputDefinitions.parameters),
      artifacts: Object.fromEntries(artifacts.map(([name, list]) => [name, { artifacts: list }])),
    },
    outputs: {
      outputFile: places.outputFile,
      parameters: mapValues(outputDefinitions.parameters ?? {}, (_, name) => ({ outputFile: `${folder}/${name}` })),
      artifacts: mapValues(outputDefinitions.artifacts ?? {}, ({ artifactType }, name) => made(name, artifactType)),
    },
  };
}

/** The container with its arguments and variables filled in. */
export function filledContainer(
  container: PipelineContainer,
  scope: Scope,
): { args: string[]; container: PipelineContainer } {
  const env = (container.env ?? []).map(({ name, value }) => ({ name, value: fillArgument(value, scope).join("") }));
  return {
    args: (container.args ?? []).flatMap((argument) => fillArgument(argument, scope)),
    container: { ...container, env },
  };
}

export const scopeOf = (task: Task, facts: Scope["facts"], input: JsonObject, { local }: StepPlaces): Scope => ({
  inputs: task.inputs,
  facts,
  executorInput: input,
  localPath: (uri) => uri.replace(/^gs:\//, local),
});

/** @throws Error if a file of a parameter does not hold its type */
export function stepOutputs({ outputDefinitions = {} }: Component, input: JsonObject, result: PipelineResult): Values {
  const parameters: Record<string, Json> = {};
  for (const [name, definition] of Object.entries(outputDefinitions.parameters ?? {})) {
    const value =
      result.values[name] ?? (name in result.texts ? parsed(result.texts[name] ?? "", name, definition) : undefined);
    if (value !== undefined) parameters[name] = value as Json;
  }
  const offered = (input.outputs as JsonObject).artifacts as Record<string, { artifacts: Artifact[] }>;
  const artifacts = mapValues(offered, ({ artifacts: made }, name) => {
    const written = result.artifacts[name]?.artifacts ?? [];
    return made.map((artifact, at) => ({ ...artifact, ...(written[at] as Partial<Artifact>), name: artifact.name }));
  });
  return { parameters, artifacts };
}

function parsed(text: string, name: string, { parameterType }: ParameterDefinition): Json {
  if (parameterType === "STRING") return text;
  try {
    return JSON.parse(parameterType === "BOOLEAN" ? text.toLowerCase() : text) as Json;
  } catch {
    throw new Error(`output ${name}: got '${text}'; expected a ${parameterType}.`);
  }
}

function mapValues<T, R>(values: Record<string, T>, map: (value: T, name: string) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value, name)]));
}
