// The charts are drawn in the language that is shown, whenever it changes.
const trend = JSON.parse(byId("trend").textContent);

function drawCharts() {
  for (const place of document.querySelectorAll("div.body [data-chart]")) new TrendChart(place, trend.charts[Number(place.dataset.chart)], trend);
}
document.addEventListener("spoken", drawCharts);
drawCharts();
