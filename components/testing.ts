/** What tests of components ask of a recording. */
import { declaredLines, type Recording } from "./record";

export const labels = { lab: "l", environment: "e" };
/** `Type name` of each child, without the module. */
export const children = (recording: Recording) =>
  declaredLines(recording)
    .map((line) => line.replace(/^gcp:[^:]+:/, ""))
    .sort();
/** Of the first child of that type. */
export const inputs = (recording: Recording, type: string) =>
  recording.resources.find((resource) => resource.type.endsWith(`:${type}`))?.inputs;
