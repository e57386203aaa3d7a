/** Values on their way through a pipeline: what goes into a task, what comes out of a group of tasks. Pure. */
import { isObject, textOf } from "../../../json";
import type { Json, JsonObject } from "../../../service";
import { fillConstant, type Scope } from "./placeholders";
import { type Artifact, nameOf, noValues, type Task, type Values } from "./run";
import type { Component, Dag, ParameterDefinition, ParameterInput, ParameterSelector, TaskSpec } from "./spec";

/** What inputs are taken from: the group's own inputs and the tasks beside. */
export interface Surroundings {
  inputs: Values;
  sibling: (name: string) => Task | undefined;
  facts: Scope["facts"];
  job: string;
}

const SELECTOR = /^parseJson\(string_value\)((?:\[(?:"[^"]*"|'[^']*'|\d+)\])+)$/;
export const isKnownSelector = (selector: string) => SELECTOR.test(selector);

/** @throws Error that names every input that has no value but needs one */
export function taskInputs(spec: TaskSpec, component: Component, around: Surroundings): Values {
  const values: Values = noValues();
  const sent = Object.entries(spec.inputs?.parameters ?? {});
  for (const [name, input] of sent) put(values.parameters, name, parameterValue(input, around));
  for (const [name, input] of Object.entries(spec.inputs?.artifacts ?? {})) {
    const { taskOutputArtifact: from, componentInputArtifact: own } = input;
    put(
      values.artifacts,
      name,
      from
        ? around.sibling(from.producerTask)?.outputs.artifacts[from.outputArtifactKey]
        : around.inputs.artifacts[own ?? ""],
    );
  }
  // Constants last: their placeholders name other inputs of the same task.
  const scope: Scope = { inputs: values, facts: around.facts };
  for (const [name, { runtimeValue }] of sent) {
    if (runtimeValue) values.parameters[name] = fillConstant(runtimeValue.constant, scope);
  }
  return withDefaults(values, component, around.facts);
}

/** @throws Error that names every input that has no value but needs one */
export function withDefaults(values: Values, { inputDefinitions = {} }: Component, facts: Scope["facts"]): Values {
  const missing: string[] = [];
  for (const [name, definition] of Object.entries(inputDefinitions.parameters ?? {})) {
    const value = values.parameters[name] ?? fillDefault(definition, facts);
    if (value !== undefined) values.parameters[name] = typed(value, definition);
    else if (!definition.isOptional) missing.push(name);
  }
  for (const [name, { isOptional }] of Object.entries(inputDefinitions.artifacts ?? {})) {
    if (values.artifacts[name] === undefined && !isOptional) missing.push(name);
  }
  if (missing.length > 0) throw new Error(`input ${missing.join(", ")}: got no value; expected one.`);
  return values;
}

const fillDefault = ({ defaultValue }: ParameterDefinition, facts: Scope["facts"]) =>
  defaultValue === undefined ? undefined : fillConstant(defaultValue, { inputs: noValues(), facts });

/** Lists and maps that came as text, as items of a loop do. */
function typed(value: Json, { parameterType }: ParameterDefinition): Json {
  const isStructured = parameterType === "LIST" || parameterType === "STRUCT";
  return isStructured && typeof value === "string" ? (JSON.parse(value) as Json) : value;
}

function parameterValue(input: ParameterInput, around: Surroundings): Json | undefined {
  const { taskOutputParameter: output, taskFinalStatus: status, componentInputParameter: own } = input;
  const value = output
    ? around.sibling(output.producerTask)?.outputs.parameters[output.outputParameterKey]
    : status
      ? finalStatus(around.sibling(status.producerTask), around.job)
      : around.inputs.parameters[own ?? ""];
  return input.parameterExpressionSelector === undefined ? value : selected(value, input.parameterExpressionSelector);
}

/** `parseJson(string_value)["a"]`: a field of a loop's item. */
function selected(value: Json | undefined, selector: string): Json | undefined {
  const path = SELECTOR.exec(selector)?.[1] ?? "";
  const keys = [...path.matchAll(/\["([^"]*)"\]|\['([^']*)'\]|\[(\d+)\]/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
  const start = typeof value === "string" ? (JSON.parse(value) as Json) : value;
  return keys.reduce<Json | undefined>(
    (at, key) => (Array.isArray(at) ? at[Number(key)] : isObject(at) ? at[key] : undefined),
    start,
  );
}

function finalStatus(task: Task | undefined, job: string): JsonObject {
  return {
    state: task?.state ?? "NOT_TRIGGERED",
    pipelineJobResourceName: job,
    pipelineTaskName: task ? nameOf(task.path) : "",
    ...(task?.error && { error: task.error }),
  };
}

/** What a group gives: results of its tasks. A task that was not triggered gives none. */
export function dagOutputs({ outputs = {} }: Dag, child: (name: string) => Task | undefined): Values {
  const values = noValues();
  const valueAt = ({ producerSubtask, outputParameterKey }: ParameterSelector) =>
    child(producerSubtask)?.outputs.parameters[outputParameterKey];
  for (const [name, { valueFromParameter, valueFromOneof }] of Object.entries(outputs.parameters ?? {})) {
    const selectors = valueFromParameter ? [valueFromParameter] : (valueFromOneof?.parameterSelectors ?? []);
    put(
      values.parameters,
      name,
      selectors.map(valueAt).find((value) => value !== undefined),
    );
  }
  for (const [name, { artifactSelectors }] of Object.entries(outputs.artifacts ?? {})) {
    const found = artifactSelectors.flatMap(
      ({ producerSubtask, outputArtifactKey }) => child(producerSubtask)?.outputs.artifacts[outputArtifactKey] ?? [],
    );
    if (found.length > 0) values.artifacts[name] = found;
  }
  return values;
}

/** What a loop gives: the results of its rounds as lists, in the order of the rounds. */
export function collected(rounds: readonly Task[]): Values {
  const values = noValues();
  for (const { outputs } of rounds) {
    for (const [name, value] of Object.entries(outputs.parameters)) {
      values.parameters[name] = [...((values.parameters[name] as Json[] | undefined) ?? []), value];
    }
    for (const [name, artifacts] of Object.entries(outputs.artifacts)) {
      values.artifacts[name] = [...(values.artifacts[name] ?? []), ...artifacts];
    }
  }
  return values;
}

/** The inputs of each round of a loop. @throws Error if there is no list to go through */
export function rounds({ parameterIterator, artifactIterator }: TaskSpec, inputs: Values): Values[] {
  if (artifactIterator) {
    const { itemInput, items } = artifactIterator;
    const list: Artifact[] = inputs.artifacts[items.inputArtifact] ?? [];
    return list.map((item) => ({ ...inputs, artifacts: { ...inputs.artifacts, [itemInput]: [item] } }));
  }
  const { itemInput, items } = parameterIterator!;
  const given = items.raw ?? inputs.parameters[items.inputParameter ?? ""];
  const list = typeof given === "string" ? (JSON.parse(given) as Json) : given;
  if (!Array.isArray(list)) throw new Error(`items of the loop: got ${textOf(list)}; expected a list.`);
  return list.map((item) => ({ ...inputs, parameters: { ...inputs.parameters, [itemInput]: item } }));
}

function put<T>(into: Record<string, T>, name: string, value: T | undefined): void {
  if (value !== undefined) into[name] = value;
}
