"use strict";
(function () {
  var root = document.documentElement;
  var toggle = document.createElement("button");
  var dark = function () {
    return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  var name = function () { toggle.textContent = dark() ? "Light colours" : "Dark colours"; };
  toggle.type = "button";
  toggle.addEventListener("click", function () {
    root.dataset.theme = dark() ? "light" : "dark";
    name();
  });
  name();
  document.querySelector("nav").append(toggle);

  document.querySelectorAll("table.sortable").forEach(function (table) {
    var body = table.tBodies[0];
    var heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach(function (head, column) {
      if (!head.textContent) return;
      var button = document.createElement("button");
      button.type = "button";
      button.append.apply(button, Array.from(head.childNodes));
      head.append(button);
      button.addEventListener("click", function () {
        var rows = Array.from(body.rows);
        var numeric = rows.some(function (row) { return row.cells[column].dataset.v !== undefined; });
        var before = head.getAttribute("aria-sort");
        var up = before ? before === "descending" : !numeric;
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        rows.sort(function (a, b) {
          var x = a.cells[column], y = b.cells[column];
          if (!numeric) return (up ? 1 : -1) * x.textContent.localeCompare(y.textContent);
          // What has no value stands last, whichever way.
          if (x.dataset.v === undefined || y.dataset.v === undefined)
            return (x.dataset.v === undefined) - (y.dataset.v === undefined);
          return (up ? 1 : -1) * (x.dataset.v - y.dataset.v);
        });
        rows.forEach(function (row) { body.append(row); });
      });
    });
  });

  var opened = [];
  addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    opened.forEach(function (part) { part.open = true; });
  });
  addEventListener("afterprint", function () {
    opened.forEach(function (part) { part.open = false; });
  });
})();
