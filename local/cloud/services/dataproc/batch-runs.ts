/**
 * What is stored of a batch that has not ended: enough to go on after a restart of the cloud. A run is removed when its
 * batch and its operation are finished, so that the list of runs is the list of what is to be done.
 */
import { join } from "node:path";
import type { Cloud } from "../../cloud";
import type { JsonObject } from "../../service";

export interface Run extends JsonObject {
  /** Resource name of the batch. */
  batch: string;
  uuid: string;
  account: string;
  /** Staging bucket. */
  bucket: string;
  /** Port of the workload's metadata server; 0 until it has one. */
  port: number;
  warnings: string[];
  /** The call of a stored procedure that it is, whose query job is told its end; a batch's operation otherwise. */
  call: ProcedureCall | null;
}

export interface ProcedureCall extends JsonObject {
  project: string;
  /** Who called. */
  caller: string;
  /** The query job as it was asked for, with its id. */
  request: JsonObject;
}

const PREFIX = "dataproc/runs/";

/** Keys sort by creation: batches wait in that order. */
export const runKey = (createTime: string, uuid: string) => `${PREFIX}${createTime}-${uuid}`;

export async function listRuns(cloud: Cloud): Promise<{ key: string; run: Run }[]> {
  return (await cloud.store.list(PREFIX)).map(({ key, value }) => ({ key, run: value as Run }));
}

/** Folder of a batch's process; the uuid, because a deleted batch's id may be used again. */
export const runFolder = (cloud: Cloud, uuid: string) => join(cloud.folder, "batches", uuid);
