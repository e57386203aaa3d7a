/** Artifact Registry v1: repositories and who may use them. What is in one goes with it. */
import type { JsonObject, ResourceType, Service } from "../service";
import { textOf } from "../json";

const repositories: ResourceType = {
  collection: "artifactregistry.projects.locations.repositories",
  schema: "Repository",
  listField: "repositories",
  name: "projects/{project}/locations/{location}/repositories/{id}",
  id: { query: "repositoryId" },
  idPattern: /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  required: ["format"],
  immutable: ["format", "mode", "kmsKeyName"],
  defaults: { mode: "STANDARD_REPOSITORY" },
  serverSet: {
    sizeBytes: () => "0",
    registryUri: ({ resource }) => uriOf(resource),
    // Scanning is another service, which is not on.
    vulnerabilityScanningConfig: {
      always: ({ resource }) => ({
        ...(resource.vulnerabilityScanningConfig as JsonObject | undefined),
        enablementState: "SCANNING_DISABLED",
        enablementStateReason: "API containerscanning.googleapis.com is not enabled.",
      }),
    },
  },
  operations: {
    ...{ create: true, delete: true, responseType: "google.devtools.artifactregistry.v1.Repository" },
    metadataType: "google.devtools.artifactregistry.v1.OperationMetadata",
  },
  policy: true,
  cascades: true,
  source: "https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories",
};

/** `us-central1-docker.pkg.dev/p/spark`. */
function uriOf({ name, format }: JsonObject): string {
  const [, project, , location, , id] = textOf(name).split("/");
  return `${location}-${textOf(format).toLowerCase()}.pkg.dev/${project}/${id}`;
}

export const artifactRegistry: Service = { apis: ["artifactregistry.v1"], types: [repositories], methods: {} };
