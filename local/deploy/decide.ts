/**
 * What is to be done for one resource: a pure function of the goal, the old state and the provider's check and diff.
 * Source: continueStepsFromImport, generateStepsFromDiff and continueStepsFromDiff in pkg/resource/deploy/step_generator.go.
 */
import type { PropertyChange } from "./events";
import { stateOf, type Goal } from "./goal";
import { instanceOf } from "./instance";
import type { Diff, Provider } from "./provider";
import type { Entry, ResourceState } from "./snapshot";
import {
  annotate,
  covers,
  equal,
  hasUnknowns,
  masked,
  parsePath,
  peek,
  plain,
  reset,
  secret,
  type Properties,
  type Value,
} from "./values";

export interface Question {
  goal: Goal;
  urn: string;
  old?: Entry;
  provider?: Provider;
  providerRef?: string;
  /** Whether a resource is being replaced in this run. */
  isReplaced: (urn: string) => boolean;
}

export interface Decision {
  step: "same" | "create" | "update" | "replace";
  state: ResourceState;
  changes: PropertyChange[];
  deleteBeforeReplace: boolean;
  problems: string[];
}

export function decide(question: Question): Decision {
  const { goal, urn, old, provider, providerRef } = question;
  const alias = old && old.state.urn !== urn ? old.state.urn : undefined;
  const isNew = !old || old.state.pendingReplacement;
  const wanted =
    old && !isNew ? ignoring(goal.ignoreChanges ?? [], old.state.inputs ?? {}, goal.properties) : goal.properties;
  const checked = checkInputs(provider, goal, urn, wanted, isNew ? undefined : old?.state.inputs);
  const state = (inputs: Properties) => stateOf(goal, urn, inputs, providerRef, alias);
  const decision = (step: Decision["step"], rest: Partial<Decision> = {}): Decision => ({
    step,
    state: state(checked.inputs),
    changes: [],
    deleteBeforeReplace: false,
    problems: checked.problems,
    ...rest,
  });
  if (checked.problems.length > 0 || !old) return decision("create");
  if (isNew) return decision("replace", { deleteBeforeReplace: true });

  const { changes, deleteBeforeReplace } = differences(question, old.state, checked.inputs);
  const shown = changes.map((change) => maskedChange(change, old.state.inputs ?? {}, checked.inputs));
  if (changes.length === 0) return decision(old.state.initErrors?.length ? "update" : "same");
  if (!changes.some(({ replaces }) => replaces)) return decision("update", { changes: shown });
  if (goal.protect && old.state.protect)
    return decision("replace", {
      problems: ["is protected and cannot be replaced. Remove `protect` from it and run up again."],
    });
  // Defaults that were carried over from the old resource do not hold for the new one.
  const anew = checkInputs(provider, goal, urn, goal.properties, undefined);
  return decision("replace", {
    state: state(anew.inputs),
    changes: shown,
    problems: anew.problems,
    deleteBeforeReplace: goal.deleteBeforeReplace ?? deleteBeforeReplace,
  });
}

function checkInputs(
  provider: Provider | undefined,
  goal: Goal,
  urn: string,
  news: Properties,
  olds: Properties | undefined,
): { inputs: Properties; problems: string[] } {
  if (!provider) return { inputs: news, problems: [] };
  const { inputs, failures } = provider.check(goal.type, urn, plain(news), olds && plain(olds));
  const secretNames = provider.secrets(goal.type);
  const annotated = Object.entries(annotate(inputs, news) as Properties).map(([key, value]): [string, Value] => [
    key,
    secretNames.includes(key) ? secret(value) : value,
  ]);
  return {
    inputs: Object.fromEntries(annotated),
    problems: failures.map(({ property, reason }) => `${property}: ${reason}`),
  };
}

/** `news` with what `olds` have wherever changes are to be ignored. */
export function ignoring(paths: readonly string[], olds: Properties, news: Properties): Properties {
  return paths.reduce((result, path) => reset(olds, result, parsePath(path)) as Properties, news);
}

/** Another provider replaces nothing by itself: no setting of a provider here does. Source: providerChanged. */
function differences({ goal, provider, isReplaced }: Question, old: ResourceState, news: Properties): Diff {
  const forced = (path: string): Diff => ({
    changes: [{ path, kind: "update", replaces: true }],
    deleteBeforeReplace: false,
  });
  if (old.taint) return forced("taint");
  if (goal.deletedWith && isReplaced(goal.deletedWith)) return forced("deletedWith");
  if (!provider) {
    const isSame = equal(old.inputs ?? {}, news) && !hasUnknowns(news);
    return { changes: isSame ? [] : topLevelChanges(old.inputs ?? {}, news), deleteBeforeReplace: false };
  }
  const diff = provider.diff(goal.type, instanceOf(old), plain(news));
  const patterns = (goal.replaceOnChanges ?? []).map(parsePath);
  const changes = diff.changes.map((change) => {
    const path = parsePath(change.path);
    return patterns.some((pattern) => covers(pattern, path)) ? { ...change, replaces: true } : change;
  });
  return { ...diff, changes };
}

function topLevelChanges(olds: Properties, news: Properties): PropertyChange[] {
  const keys = [...new Set([...Object.keys(olds), ...Object.keys(news)])].sort();
  return keys
    .filter((key) => !equal(olds[key], news[key]) || hasUnknowns(news[key]))
    .map((key) => ({
      path: key,
      kind: key in olds ? (key in news ? "update" : "delete") : "add",
      old: olds[key],
      new: news[key],
      replaces: false,
    }));
}

/** The change with its values as a person may see them. */
export function maskedChange(change: PropertyChange, olds: Properties, news: Properties): PropertyChange {
  const path = parsePath(change.path);
  const isHidden = peek(olds, path) === "[secret]" || peek(news, path) === "[secret]";
  const show = (value: Value | undefined) => (value === undefined ? undefined : isHidden ? "[secret]" : masked(value));
  return { ...change, old: show(change.old), new: show(change.new) };
}
