/** One page of charts: what runs, what fails, what it uses. */
import * as monitoring from "@pulumi/gcp/monitoring";
import * as pulumi from "@pulumi/pulumi";

export interface LabDashboardArgs {
  title: string;
  /** Charts in reading order: a title and a metric filter. */
  charts: readonly Chart[];
}

export interface Chart {
  title: string;
  /** Monitoring filter of one metric. */
  filter: string;
  aligner: "ALIGN_RATE" | "ALIGN_DELTA" | "ALIGN_MEAN" | "ALIGN_SUM";
  /** Metric label that makes one line each. */
  groupBy: string;
}

export class LabDashboard extends pulumi.ComponentResource {
  /** `projects/<number>/dashboards/<id>`. */
  readonly dashboard: pulumi.Output<string>;

  constructor(name: string, args: LabDashboardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:observability:LabDashboard", name, {}, opts);
    const dashboard = new monitoring.Dashboard(
      name,
      { dashboardJson: JSON.stringify(layout(args)) },
      { parent: this, dependsOn: opts?.dependsOn },
    );
    this.dashboard = dashboard.id;
    this.registerOutputs({ dashboard: this.dashboard });
  }
}

/** Only what has no default: the service adds its defaults to what it gives back. Pure. */
export function layout(args: LabDashboardArgs): object {
  const widgets = args.charts.map(({ title, filter, aligner, groupBy }) => ({
    title,
    xyChart: {
      dataSets: [
        {
          plotType: "LINE",
          timeSeriesQuery: {
            timeSeriesFilter: {
              filter,
              aggregation: {
                alignmentPeriod: "300s",
                perSeriesAligner: aligner,
                crossSeriesReducer: "REDUCE_SUM",
                groupByFields: [groupBy],
              },
            },
          },
        },
      ],
    },
  }));
  return { displayName: args.title, gridLayout: { columns: "2", widgets } };
}
