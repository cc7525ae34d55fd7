"""Labels of other tools: COCO, labelme, VIA, CVAT, folders of masks."""
