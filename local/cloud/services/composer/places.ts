/** What follows from an environment's resource: its address, its bucket, and what its Airflow is told. */
import { createHash } from "node:crypto";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";

const objectOf = (value: unknown): JsonObject => (value ?? {}) as JsonObject;
const softwareOf = (environment: JsonObject) => objectOf(objectOf(environment.config).softwareConfig);

export const bucketOf = ({ storageConfig }: JsonObject) => textOf(objectOf(storageConfig).bucket);
export const accountOf = ({ config }: JsonObject) => textOf(objectOf(objectOf(config).nodeConfig).serviceAccount);
export const settingsOf = (environment: JsonObject) =>
  objectOf(softwareOf(environment).airflowConfigOverrides) as Record<string, string>;

export function airflowUri({ name }: JsonObject): string {
  const digest = createHash("sha256").update(textOf(name)).digest("hex");
  return `https://${digest.slice(0, 32)}-dot-${textOf(name).split("/")[3]}.composer.googleusercontent.com`;
}

/** Those that the environment gives to every process, and those that Composer adds. */
export function variablesOf(environment: JsonObject, project: string): Record<string, string> {
  const [, , , location = "", , id = ""] = textOf(environment.name).split("/");
  return {
    ...(objectOf(softwareOf(environment).envVariables) as Record<string, string>),
    COMPOSER_ENVIRONMENT: id,
    COMPOSER_LOCATION: location,
    GCP_PROJECT: project,
    GCS_BUCKET: bucketOf(environment),
  };
}

export function hasTriggerer({ config }: JsonObject): boolean {
  const workloads = objectOf(objectOf(config).workloadsConfig);
  return Number(objectOf(workloads.triggerer).count ?? 0) > 0;
}

/**
 * Settings that Composer keeps to itself, as far as they are the ones that this Airflow is run by.
 * Source: https://cloud.google.com/composer/docs/composer-3/override-airflow-configurations
 */
const KEPT =
  /^(api-|api_auth-|database-|core-(dags_folder|executor|fernet_key|auth_manager|execution_api_server_url)$)/;

export function settingProblems(settings: Readonly<Record<string, string>>): string[] {
  return Object.keys(settings).flatMap((name) => {
    if (!/^[a-z_]+-[a-z_]+$/.test(name)) return [`Got '${name}'; expected section-name, as in core-parallelism.`];
    return KEPT.test(name) ? [`Got '${name}'; it is set by the service and cannot be overridden.`] : [];
  });
}
