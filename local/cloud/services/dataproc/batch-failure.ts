/** Why a batch failed, in the words of the service: the driver's last error and where to read more. Pure. */
import { constants } from "node:os";
import type { SparkEnd } from "../../../engines/interface";

export interface FailedBatch {
  project: string;
  location: string;
  /** Absent for what the console does not list. */
  id?: string;
  /** `gs://<bucket>/.../driveroutput`. */
  outputUri: string;
}

export function failureMessage(batch: FailedBatch, end: SparkEnd, output: string): string {
  const links = linksOf(batch).join("\n");
  if (end.exitCode === null && end.signal === null) {
    return (
      "The driver's process vanished without a record of its end: it was killed with its whole group, or the machine " +
      `restarted. Its output until then can be found at:\n${links}`
    );
  }
  const error = lastError(output);
  if (error) return `Job failed with message [${error}]. Additional details can be found at:\n${links}`;
  const code = end.exitCode ?? 128 + (constants.signals[end.signal as NodeJS.Signals] ?? 0);
  if (code > 128) {
    return (
      `Driver received SIGTERM/SIGKILL signal and exited with ${code} code, which potentially signifies a memory pressure. ` +
      `Additional details can be found at:\n${links}`
    );
  }
  return (
    `Google Cloud Dataproc Agent reports job failure: the driver exited with ${code} code. ` +
    `If logs are available, they can be found at:\n${links}`
  );
}

function linksOf({ project, location, id, outputUri }: FailedBatch): string[] {
  const folder = outputUri.slice("gs://".length).replace(/\/[^/]*$/, "");
  const listed = [
    `https://console.cloud.google.com/dataproc/batches/${location}/${id}?project=${project}`,
    `gcloud dataproc batches wait '${id}' --region '${location}' --project '${project}'`,
  ];
  return [
    ...(id === undefined ? [] : listed),
    `https://console.cloud.google.com/storage/browser/${folder}/`,
    `${outputUri}.*`,
  ];
}

/**
 * The error that ended the driver: the last line of a Python traceback, of argparse's complaint, or of the JVM's
 * exception. Lines of a traceback are indented; the error is the first line that is not.
 */
export function lastError(output: string): string | undefined {
  const lines = output.split(/\r?\n/);
  const start = lines.findLastIndex((line) => /^Traceback \(most recent call last\):/.test(line));
  const python = start < 0 ? undefined : lines.slice(start + 1).find((line) => /^[A-Za-z_][\w.]*(:|$)/.test(line));
  if (python) return python;
  const plain = /^(?:[\w.]+(?:Error|Exception): |\S+: error: |Exception in thread "main" )(.*)/;
  return lines.findLast((line) => plain.test(line))?.replace(/^Exception in thread "main" /, "");
}
