/** Managed Airflow (composer.v1beta1 and v1): environments, their Airflow's address, and Airflow's own commands. */
import type { Behaviour, Service } from "../../service";
import { airflowsOf } from "./airflows";
import { executeAirflowCommand, pollAirflowCommand, stopAirflowCommand } from "./commands";
import { environmentType } from "./environments";
import { addresses } from "./front";

const ENVIRONMENTS = "composer.projects.locations.environments";
const methods: Record<string, Behaviour> = { executeAirflowCommand, pollAirflowCommand, stopAirflowCommand };

export const composer: Service = {
  apis: ["composer.v1beta1", "composer.v1"],
  types: [environmentType],
  methods: Object.fromEntries(Object.entries(methods).map(([verb, run]) => [`${ENVIRONMENTS}.${verb}`, run])),
  addresses,
  recover: (cloud) => airflowsOf(cloud).recover(),
  close: (cloud) => airflowsOf(cloud).close(),
};
