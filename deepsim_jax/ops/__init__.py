"""Operations on pictures and on fields: on the device, or on the host where OpenCV does them."""
