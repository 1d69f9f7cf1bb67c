namespace StreamingCnn.Imaging;

/// <summary>Where an image that GDAL reads lies on the ground.</summary>
internal static class GdalPlace
{
    // GDAL's error code of what went well.
    private const int Done = 0;

    /// <summary>The place in the words of a GeoTIFF; null where the file says nothing.</summary>
    /// <remarks>
    /// GDAL knows systems of coordinates as text. It writes them into a TIFF of one pixel, in memory, whose keys are what all other files
    /// here speak of places in.
    /// </remarks>
    /// <param name="path">The file, for messages.</param>
    /// <param name="image">The image.</param>
    public static unsafe GeoReference? Of(string path, GdalHandle image)
    {
        var six = stackalloc double[6];
        var isAffine = GdalNative.GDALGetGeoTransform(image.Data, six) == Done;
        var points = GdalNative.GDALGetGCPCount(image.Data);
        var writer = GdalNative.GDALGetDriverByName("GTiff");
        if ((!isAffine && points == 0) || writer == nint.Zero)
            return null;
        var name = $"/vsimem/{Guid.NewGuid():N}.tif";
        try
        {
            var tiff = GdalNative.GDALCreate(writer, name, 1, 1, 1, GdalNative.Bytes, nint.Zero);
            if (tiff == nint.Zero)
                return null;
            var failure = isAffine
                ? GdalNative.GDALSetProjection(tiff, GdalNative.GDALGetProjectionRef(image.Data))
                    | GdalNative.GDALSetGeoTransform(tiff, six)
                : GdalNative.GDALSetGCPs(
                    tiff, points, GdalNative.GDALGetGCPs(image.Data), GdalNative.GDALGetGCPProjection(image.Data));
            GdalNative.GDALClose(tiff);
            return failure == Done ? Read(path, name) : null;
        }
        finally
        {
            _ = GdalNative.VSIUnlink(name);
        }
    }

    private static unsafe GeoReference? Read(string path, string name)
    {
        var bytes = GdalNative.VSIGetMemFileBuffer(name, out var length, isTaken: 0);
        if (bytes is null)
            return null;
        using var stream = new UnmanagedMemoryStream(bytes, (long)length);
        return GeoReference.Of(TiffFile.Read(path, stream).Directories[0]);
    }
}
