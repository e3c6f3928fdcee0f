/** The days on which the shop is open and a file arrives: no Saturdays, no English bank holidays, closed from Christmas on. */
export function openDays(month: string): string[] {
  const closed = holidays(Number(month.slice(0, 4)))
  const days: string[] = []
  for (const day = new Date(`${month}-01T00:00:00Z`); isoDate(day).startsWith(month); step(day, 1)) {
    const date = isoDate(day)
    const christmasBreak = date.slice(5) >= '12-24' || date.slice(5) <= '01-03'
    if (day.getUTCDay() !== 6 && !christmasBreak && !closed.has(date)) days.push(date)
  }
  return days
}

/** `count` months from `first`: `2010-12`, `2011-01`, ... */
export function monthsFrom(first: string, count: number): string[] {
  const [year = 0, month = 1] = first.split('-').map(Number)
  return Array.from({ length: count }, (_, index) =>
    new Date(Date.UTC(year, month - 1 + index)).toISOString().slice(0, 7),
  )
}

/** Months between January of the year 0 and `month`: a number that grows by one a month. */
export function monthNumber(month: string): number {
  const [year = 0, inYear = 1] = month.split('-').map(Number)
  return year * 12 + inYear - 1
}

function holidays(year: number): ReadonlySet<string> {
  const easter = easterSunday(year)
  return new Set([
    isoDate(step(new Date(easter), -2)),
    isoDate(easter),
    isoDate(step(new Date(easter), 1)),
    mondayFrom(`${year}-05-01`),
    mondayFrom(`${year}-05-25`),
    mondayFrom(`${year}-08-25`),
  ])
}

/** The first Monday on or after a date. */
function mondayFrom(date: string): string {
  const day = new Date(`${date}T00:00:00Z`)
  while (day.getUTCDay() !== 1) step(day, 1)
  return isoDate(day)
}

/** Gauss's rule for the Gregorian Easter, exact from 1900 to 2099. */
function easterSunday(year: number): Date {
  const moon = ((year % 19) * 19 + 24) % 30
  const weekday = (2 * (year % 4) + 4 * (year % 7) + 6 * moon + 5) % 7
  const afterMarch22 =
    moon + weekday - (moon + weekday === 35 || (moon === 28 && weekday === 6 && year % 19 > 10) ? 7 : 0)
  return new Date(Date.UTC(year, 2, 22 + afterMarch22))
}

function step(day: Date, days: number): Date {
  day.setUTCDate(day.getUTCDate() + days)
  return day
}

function isoDate(day: Date): string {
  return day.toISOString().slice(0, 10)
}
