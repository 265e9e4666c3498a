(function () {
  "use strict";
  var all = function (query, within) {
    return Array.prototype.slice.call((within || document).querySelectorAll(query));
  };
  var one = function (query) {
    return document.querySelector(query);
  };

  // Light and dark.
  var theme = one("[data-toggle-theme]");
  var isDark = function () {
    var chosen = document.documentElement.getAttribute("data-theme");
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  var label = function () {
    theme.setAttribute("aria-pressed", String(isDark()));
  };
  if (theme) {
    label();
    theme.addEventListener("click", function () {
      var next = isDark() ? "light" : "dark";
      document.documentElement.setAttribute("data-theme", next);
      try {
        localStorage.setItem("cresset-theme", next);
      } catch (error) {
        // Then the choice lasts for this page.
      }
      label();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  }

  // Copying.
  var byHand = function (text) {
    var area = document.createElement("textarea");
    area.value = text;
    area.className = "off-screen";
    document.body.appendChild(area);
    area.select();
    var done = document.execCommand("copy");
    area.remove();
    return done;
  };
  all("[data-copy]").forEach(function (button) {
    button.addEventListener("click", function () {
      var from = document.getElementById(button.getAttribute("data-copy"));
      var text = from.textContent;
      var tell = function (done) {
        if (!done) {
          getSelection().selectAllChildren(from);
        }
        button.textContent = done ? "Copied" : "Press Ctrl+C";
        setTimeout(function () {
          button.textContent = "Copy";
        }, 1800);
      };
      if (navigator.clipboard && window.isSecureContext) {
        navigator.clipboard.writeText(text).then(function () { tell(true); }, function () { tell(byHand(text)); });
      } else {
        tell(byHand(text));
      }
      button.focus();
    });
  });

  // What is folded is printed, too, and opened when a link leads into it.
  var folded = [];
  addEventListener("beforeprint", function () {
    folded = all("details:not([open])");
    folded.forEach(function (details) { details.open = true; });
  });
  addEventListener("afterprint", function () {
    folded.forEach(function (details) { details.open = false; });
  });
  var reveal = function () {
    var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") {
      target.open = true;
    }
  };
  addEventListener("hashchange", reveal);
  reveal();

  // The matrix: only what is covered, or all of it.
  var whole = one("[data-whole-matrix]");
  if (whole) {
    var matrix = one(".matrix");
    var show = function () {
      matrix.classList.toggle("covered-only", !whole.checked);
    };
    whole.addEventListener("change", show);
    show();
  }

  // The catalogue.
  var search = one("#search");
  addEventListener("keydown", function (event) {
    var at = event.target;
    var writes = at.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName);
    if (event.key === "/" && !writes && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      if (search) {
        search.focus();
        search.select();
      } else {
        location.href = one("[data-catalogue]").href + "#search";
      }
    }
  });
  if (!search) {
    return;
  }
  var filters = all("[data-filter]");
  var cards = all(".card");
  var count = one("#count");
  var nothing = one("#nothing");
  var reset = one("#reset");
  var narrow = function () {
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0;
    cards.forEach(function (card) {
      var fits = words.every(function (word) {
        return card.getAttribute("data-text").indexOf(word) >= 0;
      }) && filters.every(function (filter) {
        var values = card.getAttribute("data-" + filter.getAttribute("data-filter")).split(" ");
        return !filter.value || values.indexOf(filter.value) >= 0;
      });
      card.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    var narrowed = words.length > 0 || filters.some(function (filter) { return filter.value; });
    count.textContent = narrowed
      ? shown + " of " + cards.length + " detections"
      : cards.length + (cards.length === 1 ? " detection" : " detections");
    nothing.hidden = shown > 0;
    reset.hidden = !narrowed;
    var query = new URLSearchParams();
    if (search.value.trim()) {
      query.set("q", search.value.trim());
    }
    filters.forEach(function (filter) {
      if (filter.value) {
        query.set(filter.getAttribute("data-filter"), filter.value);
      }
    });
    try {
      var text = query.toString();
      history.replaceState(null, "", (text ? "?" + text : location.pathname) + location.hash);
    } catch (error) {
      // Where addresses cannot change, the page works all the same.
    }
  };
  var given = new URLSearchParams(location.search);
  search.value = given.get("q") || "";
  filters.forEach(function (filter) {
    var wanted = given.get(filter.getAttribute("data-filter")) || "";
    filter.value = all("option", filter).some(function (option) { return option.value === wanted; }) ? wanted : "";
    filter.addEventListener("change", narrow);
  });
  search.addEventListener("input", narrow);
  search.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      search.value = "";
      narrow();
    }
  });
  reset.addEventListener("click", function () {
    search.value = "";
    filters.forEach(function (filter) { filter.value = ""; });
    narrow();
    search.focus();
  });
  narrow();
  if (location.hash === "#search") {
    search.focus();
  }
})();
