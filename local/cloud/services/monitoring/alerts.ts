/**
 * Alerts: an entry that meets the condition of a policy opens one, those that follow keep it open, and it closes when
 * none has come for the policy's `autoClose`. Source: https://cloud.google.com/logging/docs/alerting/log-based-alerts
 */
import { createHash } from "node:crypto";
import type { Cloud } from "../../cloud";
import { isObject, textOf } from "../../json";
import type { Json, JsonObject, ResourceType } from "../../service";
import { Agenda, earliest, perCloud } from "../delivery/agenda";
import { secondsOf } from "../delivery/durations";
import { type Consumer, place, ROUTING } from "../logging/arrivals";
import { parseFilter } from "../logging/filter";
import { notificationsOf, sendNotifications } from "./notifications";

export const alerts: ResourceType = {
  collection: "monitoring.projects.alerts",
  schema: "Alert",
  listField: "alerts",
  name: "projects/{project}/alerts/{id}",
  id: { server: "number" },
  source: "https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alerts",
};

/** Open alerts, by policy and extracted labels. */
const OPEN = "monitoring/open/";
/** Source: field autoClose of AlertStrategy. */
const SEVEN_DAYS = 7 * 86_400;

interface Open extends JsonObject {
  alert: string;
  policy: string;
  /** When an entry met the condition last, and when that was told last. */
  matched: string;
  notified: string;
}

export const toAlerts: Consumer = async (entries, _position, cloud) => {
  const put: Record<string, JsonObject> = {};
  for (const { value: policy } of await cloud.store.list(`projects/${cloud.project.id}/alertPolicies/`)) {
    const [condition] = (policy.conditions ?? []) as JsonObject[];
    const matched = condition?.conditionMatchedLog;
    if (!condition || policy.enabled === false || !isObject(matched)) continue;
    const matches = parseFilter(textOf(matched.filter));
    const since = Date.parse(textOf((policy.creationRecord as JsonObject).mutateTime));
    for (const entry of entries) {
      if (Date.parse(textOf(entry.receiveTimestamp)) < since || !matches(entry)) continue;
      const labels = extracted(matched.labelExtractors, entry);
      const key = `${OPEN}${textOf(policy.name)}/${hash(JSON.stringify(labels))}`;
      const open = (put[key] ?? (await cloud.store.get(key))) as Open | undefined;
      Object.assign(put, met({ key, open, policy, condition, entry, labels }, cloud.now()));
    }
  }
  return put;
};

interface Match {
  key: string;
  open: Open | undefined;
  policy: JsonObject;
  condition: JsonObject;
  entry: JsonObject;
  labels: Record<string, string>;
}

/** What to store of an entry that meets a condition. */
function met({ key, open, policy, condition, entry, labels }: Match, now: Date): Record<string, JsonObject> {
  const at = now.toISOString();
  const [, project = ""] = textOf(policy.name).split("/");
  const name = `projects/${project}/alerts/${BigInt(`0x${hash(`${key}/${place(entry)}`)}`)}`;
  const alert: JsonObject = {
    name: open?.alert ?? name,
    ...{ state: "OPEN", openTime: at, resource: entry.resource!, log: { extractedLabels: labels } },
    policy: {
      ...{ name: textOf(policy.name), displayName: textOf(policy.displayName) },
      ...(policy.severity !== undefined && { severity: policy.severity }),
      userLabels: (policy.userLabels ?? {}) as JsonObject,
    },
  };
  const isTold = open !== undefined && now.getTime() - Date.parse(open.notified) < periodOf(policy) * 1000;
  const next = {
    alert: textOf(alert.name),
    policy: textOf(policy.name),
    matched: at,
    notified: isTold ? open.notified : at,
  };
  return {
    [key]: next,
    ...(!open && { [textOf(alert.name)]: alert }),
    ...(!isTold && notificationsOf(alert, policy, condition, at)),
  };
}

const strategyOf = (policy: JsonObject) => (policy.alertStrategy ?? {}) as JsonObject;
const periodOf = (policy: JsonObject) =>
  secondsOf((strategyOf(policy).notificationRateLimit as JsonObject | undefined)?.period) ?? 0;

const hash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 15);

/** Closes what is to be closed, and sends what is to be told of alerts. */
class AlertKeeper {
  readonly agenda: Agenda;

  constructor(private readonly cloud: Cloud) {
    this.agenda = new Agenda({ name: "alerts", turn: () => this.turn(), cloud });
  }

  private async turn(): Promise<Date | undefined> {
    const due = await this.cloud.store.exclusive(ROUTING, () => this.close());
    await sendNotifications(this.cloud);
    return due;
  }

  /** Gives when the next alert closes. */
  private async close(): Promise<Date | undefined> {
    const { store } = this.cloud;
    const ends: number[] = [];
    for (const { key, value } of await store.list(OPEN)) {
      const open = value as Open;
      const policy = await store.get(open.policy);
      const seconds = secondsOf(strategyOf(policy ?? {}).autoClose) ?? SEVEN_DAYS;
      const end = Date.parse(open.matched) + seconds * 1000;
      if (policy && end > this.cloud.now().getTime()) ends.push(end);
      else await this.closeOne(key, open, policy);
    }
    return earliest(ends);
  }

  /** Without its policy an alert closes, too. */
  private async closeOne(key: string, open: Open, policy: JsonObject | undefined): Promise<void> {
    const alert = (await this.cloud.store.get(open.alert)) ?? {};
    const closeTime = this.cloud.now().toISOString();
    const closed = { ...alert, state: "CLOSED", closeTime };
    const [condition = {}] = (policy?.conditions ?? []) as JsonObject[];
    const told = policy ? notificationsOf(closed, policy, condition, closeTime) : {};
    await this.cloud.store.write({ put: { [open.alert]: closed, ...told }, delete: [key] });
  }
}

export const keeperOf = perCloud((cloud) => new AlertKeeper(cloud).agenda);

const EXTRACT = /^EXTRACT\(([\w.]+)\)$/;

/** Labels by name, from fields of an entry. Source: field labelExtractors of LogMatch. */
function extracted(extractors: Json | undefined, entry: JsonObject): Record<string, string> {
  const pairs = Object.entries((extractors ?? {}) as JsonObject).map(([label, extractor]) => {
    const [, path = ""] = EXTRACT.exec(textOf(extractor)) ?? [];
    const inside = (at: Json | undefined, part: string) => (isObject(at) ? at[part] : undefined);
    return [label, textOf(path.split(".").reduce<Json | undefined>(inside, entry))];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** Whether `extracted` understands it. */
export const isExtractor = (extractor: Json) => EXTRACT.test(textOf(extractor));
