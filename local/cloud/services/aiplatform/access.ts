/** Permissions of the Vertex AI methods. */
import type { AccessTable } from "../../access/table";

const POLICY = "getIamPolicy setIamPolicy testIamPermissions=";

export const vertexAccess: AccessTable = {
  source: "https://cloud.google.com/vertex-ai/docs/general/iam-permissions",
  rows: {
    "aiplatform.projects.locations.datasets": `aiplatform.datasets: create get list patch=update delete ${POLICY}`,
    "aiplatform.projects.locations.endpoints":
      `aiplatform.endpoints: create get list patch=update update delete deployModel=deploy undeployModel=undeploy ` +
      `predict rawPredict=predict ${POLICY}`,
    "aiplatform.projects.locations.models":
      "aiplatform.models: upload get list patch=update delete deleteVersion=delete listVersions=list mergeVersionAliases=update",
    "aiplatform.projects.locations.pipelineJobs": "aiplatform.pipelineJobs: create get list delete cancel",
    "aiplatform.projects.locations.schedules":
      "aiplatform.schedules: create get list patch=update delete pause=update resume=update",
    "aiplatform.projects.locations.metadataStores": "aiplatform.metadataStores: create get list delete",
    "aiplatform.projects.locations.metadataStores.artifacts":
      "aiplatform.artifacts: create get list patch=update delete queryArtifactLineageSubgraph=get",
    "aiplatform.projects.locations.metadataStores.contexts":
      "aiplatform.contexts: create get list patch=update delete addContextArtifactsAndExecutions=update " +
      "addContextChildren=update removeContextChildren=update queryContextLineageSubgraph=get",
    "aiplatform.projects.locations.metadataStores.executions":
      "aiplatform.executions: create get list patch=update delete addExecutionEvents=update queryExecutionInputsAndOutputs=get",
    // Google asks for the permission of the operation's own resource, which its name here does not tell; every role that
    // may start one has this.
    "*.operations": "aiplatform.operations: get=list list wait=list cancel=list delete=list",
  },
};
