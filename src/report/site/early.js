// Before anything is painted: the colours that the reader chose, and that there is a script.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");
  var wanted = new URLSearchParams(location.search).get("theme");
  try {
    wanted = wanted || localStorage.getItem("cresset-theme");
  } catch (error) {
    // Pages that were opened from a disk may have no storage.
  }
  if (wanted === "dark" || wanted === "light") {
    root.setAttribute("data-theme", wanted);
  }
})();
