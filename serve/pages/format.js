// Figures and days in the reader's own notation, or in that of a language. Amounts arrive in minor units of a currency, shares from 0 to 1,
// days as YYYY-MM-DD, moments in UTC.

const formats = new Map();
let notation; // the browser's, unless somebody says otherwise

function intl(Kind, options) {
  const key = Kind.name + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Kind(notation, options));
  return formats.get(key);
}

/** From now on write as `language` does (BCP 47). Bare English is that of no country. */
export function writeAs(language) {
  notation = language === "en" ? "en-001" : language;
  formats.clear();
}

export const NOTHING = "–";

/** An amount; its cents are shown when `cents` says so, by itself only when it is small. */
export function money(minorUnits, currency, { cents = null, compact = false, currencyDisplay = "narrowSymbol", useGrouping = "auto" } = {}) {
  if (minorUnits === null || minorUnits === undefined) return NOTHING;
  const style = { style: "currency", currency, currencyDisplay, useGrouping };
  const digits = intl(Intl.NumberFormat, style).resolvedOptions().maximumFractionDigits;
  const amount = minorUnits / 10 ** digits;
  const size = Math.abs(amount);
  if (compact && size >= 10_000) {
    return intl(Intl.NumberFormat, { ...style, notation: "compact", maximumSignificantDigits: 3 }).format(amount);
  }
  const shown = (cents ?? (size < 100 && size > 0)) ? digits : 0;
  return intl(Intl.NumberFormat, {
    ...style,
    minimumFractionDigits: shown,
    maximumFractionDigits: shown,
  }).format(amount);
}

export function number(value, digits = 0) {
  if (value === null || value === undefined) return NOTHING;
  return intl(Intl.NumberFormat, { maximumFractionDigits: digits }).format(value);
}

export function percent(share, { digits = 1, signed = false } = {}) {
  if (share === null || share === undefined) return NOTHING;
  const signDisplay = signed ? "exceptZero" : "auto";
  return intl(Intl.NumberFormat, { style: "percent", maximumFractionDigits: digits, signDisplay }).format(share);
}

/** "US dollars". */
export function currencyName(currency) {
  const parts = intl(Intl.NumberFormat, { style: "currency", currency, currencyDisplay: "name" }).formatToParts(2);
  return parts.find((part) => part.type === "currency").value;
}

/** "1 day", "3 days". */
export function count(value, one, many = `${one}s`) {
  return `${number(value, 1)} ${Math.abs(value) === 1 ? one : many}`;
}

/** A figure in its own unit, as the API names units. */
export function figure(value, unit, currency, options = {}) {
  if (value === null || value === undefined) return NOTHING;
  switch (unit) {
    case "cents":
      return money(value, currency, options);
    case "cents_per_km":
      return `${money(value, currency, { cents: true })}/km`;
    case "share":
      return percent(value);
    case "h":
    case "km":
      return `${number(value, Math.abs(value) < 100 ? 1 : 0)} ${unit}`;
    default:
      return number(value, 1);
  }
}

const DAYS = { day: "numeric", month: "short", timeZone: "UTC" };

/** "31 Jan 2026". */
export const day = (iso) => intl(Intl.DateTimeFormat, { ...DAYS, year: "numeric" }).format(new Date(iso));

/** "31 January 2026". */
export const longDay = (iso) => intl(Intl.DateTimeFormat, { ...DAYS, month: "long", year: "numeric" }).format(new Date(iso));

/** "31 Jan". */
export const shortDay = (iso) => intl(Intl.DateTimeFormat, DAYS).format(new Date(iso));

/** "Sat 31 Jan 2026". */
export const weekday = (iso) =>
  intl(Intl.DateTimeFormat, { ...DAYS, year: "numeric", weekday: "short" }).format(new Date(iso));

/** "Jan 2026". */
export const month = (iso) =>
  intl(Intl.DateTimeFormat, { month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(iso));

/** "Jan 26". */
export const shortMonth = (iso) =>
  intl(Intl.DateTimeFormat, { month: "short", year: "2-digit", timeZone: "UTC" }).format(new Date(iso));

/** "2 – 31 Jan 2026", as short as the language allows. */
export const days = ({ start, end }) =>
  intl(Intl.DateTimeFormat, { ...DAYS, year: "numeric" }).formatRange(new Date(start), new Date(end));

/** "Feb 2025 – Jan 2026". */
export const months = ({ start, end }) =>
  intl(Intl.DateTimeFormat, { month: "short", year: "numeric", timeZone: "UTC" }).formatRange(
    new Date(start),
    new Date(end),
  );

/** The day of a moment where the tenant is. */
export const dayOf = (moment, timeZone) =>
  intl(Intl.DateTimeFormat, { ...DAYS, year: "numeric", timeZone }).format(new Date(moment));

/** "14:03" on the reader's clock. */
export const clock = (moment) =>
  intl(Intl.DateTimeFormat, { hour: "2-digit", minute: "2-digit" }).format(new Date(moment));

/** "Days since last invoice" of `days_since_last_invoice`. */
export function words(name) {
  const text = String(name).replaceAll("_", " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
