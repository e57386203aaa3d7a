/** The entry of a project's audit log that tells how a batch ended: that of the last step of its operation. Pure. */
import type { JsonObject } from "../../service";
import { batchResource } from "../logging/driver-lines";
import { text } from "./workload-rules";

/** Source: https://cloud.google.com/dataproc/docs/guides/audit-logging and google/cloud/audit/audit_log.proto */
export function endEntry(batch: JsonObject, codes: Readonly<Record<string, number>>, project: string): JsonObject {
  const [, , , location = "", , id = ""] = text(batch.name).split("/");
  const code = codes[text(batch.state)];
  const failed = batch.state === "FAILED";
  return {
    logName: `projects/${project}/logs/cloudaudit.googleapis.com%2Factivity`,
    resource: batchResource(project, location, id),
    severity: failed ? "ERROR" : "NOTICE",
    protoPayload: {
      "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
      serviceName: "dataproc.googleapis.com",
      methodName: "google.cloud.dataproc.v1.BatchController.CreateBatch",
      resourceName: text(batch.name),
      authenticationInfo: { principalEmail: text(batch.creator) },
      ...(code !== undefined && { status: { code, message: text(batch.stateMessage) } }),
    },
    operation: { id: text(batch.operation), producer: "dataproc.googleapis.com", last: true },
    insertId: `${text(batch.uuid)}-end`,
    ...{ timestamp: text(batch.stateTime), receiveTimestamp: text(batch.stateTime) },
  };
}
