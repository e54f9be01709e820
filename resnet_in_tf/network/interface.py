"""What a deployed network is told and gives, by the names of its tensors, whatever runs it."""

IMAGE, STYLE_WEIGHTS, STYLIZED, STYLE_NAMES, CARD = (
    'image', 'style_weights', 'stylized', 'style_names', 'card')
ROW, STYLE_IMAGE, STYLE_ROW = 'row', 'style_image', 'style_row'
# Of a network with regions: their shares of each pixel, and reduced copies of the picture and of its regions.
REGIONS, SMALL_IMAGE, SMALL_REGIONS = 'regions', 'small_image', 'small_regions'
IDENTITY = 'identity'  # the style that is the photo itself: the last of the names
SMALLEST = 16  # pixels: below it, reflection padding would reach past the picture
