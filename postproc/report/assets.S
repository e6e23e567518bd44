/*
 * assets.S: the files that the report's page is made of, inside the executable: asset_NAME up to asset_NAME_end. The libraries
 * are found where Debian keeps JavaScript (JSDIR in the Makefile).
 */
.macro asset name, file
	.global asset_\name
	.global asset_\name\()_end
asset_\name:
	.incbin "\file"
asset_\name\()_end:
	.byte 0
.endm

	.section .rodata
	asset page, "postproc/report/page.html"
	asset style, "postproc/report/page.css"
asset_script:
	.incbin "postproc/report/page.tools.js"
	.incbin "postproc/report/page.figures.js"
	.incbin "postproc/report/page.times.js"
	.incbin "postproc/report/page.detail.js"
asset_script_end:
	.byte 0
	.global asset_script, asset_script_end
	asset jquery, "jquery/jquery.min.js"
	asset sorter, "jquery-tablesorter/js/jquery.tablesorter.min.js"
	asset filter, "jquery-tablesorter/js/widgets/widget-filter.min.js"
	asset chart, "chart.js/chart.min.js"

	.section .note.GNU-stack, "", %progbits
