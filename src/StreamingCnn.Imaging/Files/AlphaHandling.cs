namespace StreamingCnn.Imaging;

/// <summary>What becomes of a band that says how opaque a pixel is.</summary>
public enum AlphaHandling
{
    /// <summary>Colours are laid over white, and the band is gone.</summary>
    Flatten,

    /// <summary>Every band is read as it is, alpha among them: for files that mark another band, such as near infrared, as alpha.</summary>
    Keep,

    /// <summary>The band is left out; colours stay as they are.</summary>
    Drop,
}
