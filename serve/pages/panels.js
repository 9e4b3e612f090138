// What the page shows: for each panel the question it asks the API and how it draws the answer.
// A `draw` gives the nodes of the panel's body. `view` is what the reader chose: {range, roiKind, roiTime, timezone}.

import { drawCompliance } from "./panels/compliance.js";
import { drawKpis } from "./panels/kpis.js";
import { drawForecast, drawMoney } from "./panels/money.js";
import { drawPulse } from "./panels/pulse.js";
import { drawChurn, drawMaintenance } from "./panels/risks.js";
import { drawRoi } from "./panels/roi.js";

const LISTED = 6;
const GRAINS = { "7d": "day", "30d": "day", "90d": "week", "12m": "month" };
const HISTORY_DAYS = { "7d": 28, "30d": 60, "90d": 120, "12m": 365 };
const HORIZON_DAYS = { "7d": 7, "30d": 30, "90d": 90, "12m": 365 };

export const PANELS = [
  { id: "kpis", path: ({ range }) => `/dashboard/kpis?range=${range}`, draw: drawKpis },
  { id: "pulse", path: () => "/business-intelligence/operational-pulse", draw: drawPulse },
  {
    id: "forecast",
    path: ({ range }) =>
      `/business-intelligence/revenue-forecast?history_days=${HISTORY_DAYS[range]}&horizon_days=${HORIZON_DAYS[range]}`,
    draw: drawForecast,
  },
  {
    id: "money",
    path: ({ range }) => `/business-intelligence/revenue-cost-margin?range=${range}&grain=${GRAINS[range]}`,
    draw: drawMoney,
  },
  { id: "churn", path: () => `/business-intelligence/churn-risk?limit=${LISTED}`, draw: drawChurn },
  { id: "maintenance", path: () => `/fleet/maintenance/forecast?limit=${LISTED}`, draw: drawMaintenance },
  {
    id: "roi",
    path: ({ roiKind, roiTime }) =>
      `/analytics/roi/calculation?subject_kind=${roiKind}&timeframe=${roiTime}&limit=8`,
    draw: drawRoi,
  },
  { id: "compliance", path: () => "/business-intelligence/compliance-status?limit=8", draw: drawCompliance },
];
