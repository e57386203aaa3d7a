/** Services that Cloud Functions deploys and keeps. */
import type { JsonObject } from "../../service";

const LABEL = "goog-managed-by";
const FUNCTIONS = "cloudfunctions";

export const MANAGED_LABELS = { [LABEL]: FUNCTIONS };

export const isManaged = (service: JsonObject) => (service.labels as JsonObject | undefined)?.[LABEL] === FUNCTIONS;
